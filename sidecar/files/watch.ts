/**
 * Follows a folder of manifests. Events of the file system only say that it is time to look; see
 * folder-state.ts. One look at a time; what changes meanwhile leads to one more.
 */
import { watch, type FSWatcher } from 'chokidar'
import { sep } from 'node:path'
import type { ObjectSink } from '../collection/objects.ts'
import type { Finding } from '../ir/origin.ts'
import { canonicalJson } from '../util/canonical.ts'
import { FolderState, type Look } from './folder-state.ts'
import { fileFinding, type LocatedObject } from './manifest.ts'
import { KINDS } from './object.ts'

export interface WatchOptions {
  readonly dir: string
  readonly sink: ObjectSink
  /** Called with all findings of the folder whenever they differ from before; the first time also with none. */
  readonly onFindings: (findings: readonly Finding[]) => void
  /** A bug in the sink or in here; the folder is not followed any more. */
  readonly onError: (error: unknown) => void
}

/**
 * Reads the folder, gives every kind to the sink once, and then every change. Rejects when the folder
 * cannot be read.
 */
export async function watchManifests(options: WatchOptions): Promise<ManifestWatcher> {
  const watcher = new ManifestWatcher(options)
  await watcher.start()
  return watcher
}

export class ManifestWatcher {
  readonly #options: WatchOptions
  readonly #state: FolderState
  readonly #events: FSWatcher
  #objects: ReadonlyMap<string, LocatedObject> = new Map()
  #findings = ''
  #watchFailure: Finding | undefined
  #looking = false
  #dirty = false
  #closed = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: WatchOptions) {
    this.#options = options
    this.#state = new FolderState(options.dir)
    // Editors' renames are recognized by folder-state.ts, in less time than chokidar's `atomic` takes.
    this.#events = watch(options.dir, { ignored: (path) => isIgnored(options.dir, path), atomic: false })
  }

  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => this.#events.once('ready', resolve))
    this.#events.on('error', (error) => this.#watchFailed(error))
    try {
      const look = await this.#state.look()
      this.#objects = look.objects
      this.#replaceAll(look)
      await ready
    } catch (error) {
      await this.close()
      throw error
    }
    this.#events.on('all', () => this.#wake())
    // Whatever changed between the first look and now.
    this.#wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#events.close()
  }

  #replaceAll(look: Look): void {
    const objects = [...look.objects.values()].map(({ object }) => object)
    for (const kind of KINDS) this.#options.sink.replace(kind, objects.filter((object) => object.kind === kind))
    this.#report(look.findings)
  }

  #wake(): void {
    this.#dirty = true
    if (this.#looking || this.#closed) return
    this.#looking = true
    this.#lookUntilClean().catch((error: unknown) => this.#options.onError(error))
  }

  async #lookUntilClean(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      this.#dirty = false
      clearTimeout(this.#timer)
      const look = await this.#state.look()
      if (this.#closed) return
      this.#apply(look)
      if (look.again !== undefined) this.#timer = setTimeout(() => this.#wake(), look.again)
    }
    this.#looking = false
  }

  /** In one turn of the event loop, so that all of it is one change. */
  #apply(look: Look): void {
    const { sink } = this.#options
    const before = this.#objects
    this.#objects = look.objects
    for (const [key, { object, text }] of look.objects) {
      if (before.get(key)?.text !== text) sink.set(object)
    }
    for (const [key, { object }] of before) {
      if (!look.objects.has(key)) sink.delete(object.kind, object.metadata.namespace, object.metadata.name)
    }
    this.#report(look.findings)
  }

  #report(findings: readonly Finding[]): void {
    const all = this.#watchFailure === undefined ? findings : [this.#watchFailure, ...findings]
    const text = canonicalJson(all)
    if (text === this.#findings) return
    this.#findings = text
    this.#options.onFindings(all)
  }

  #watchFailed(error: unknown): void {
    const text = `changes may go unnoticed: ${error instanceof Error ? error.message : String(error)}`
    this.#watchFailure = fileFinding({ file: this.#options.dir }, 'error', 'FolderNotWatched', text)
    this.#wake()
  }
}

/** Repositories and dependencies hold no manifests, but many folders; `..data` is how a ConfigMap is swapped. */
function isIgnored(dir: string, path: string): boolean {
  return path.slice(dir.length).split(sep).some((part) => part === 'node_modules' || /^\.[^.]/.test(part))
}
