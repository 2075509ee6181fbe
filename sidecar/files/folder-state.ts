/**
 * What a folder of manifests holds, looked at again and again. Each look reads the files that changed and
 * keeps the last good content of those that cannot be understood now. A look may come too early: then it
 * says when to look again. Nothing here depends on what events said, only on what is there.
 */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Finding } from '../ir/origin.ts'
import { codeOf, listFiles, merge, readFound, type FoundFile, type Merged } from './folder.ts'
import { fileFinding, type Manifest } from './manifest.ts'

/** A file is taken when it was not written to for this long: most programs write a file in several steps. */
const SETTLE_MS = 20
/** A file that is gone for this long was deleted; before, an editor may be about to put a new one there. */
const GONE_MS = 100

export interface Look extends Merged {
  /** Look again after so many milliseconds; absent: when something changes. */
  readonly again?: number
}

interface KnownFile {
  /** Differs when the content may differ. */
  readonly stamp: string
  readonly manifest: Manifest
  readonly failure?: Finding
  /** Since when it is gone, by `performance.now()`: a clock that is set back must not keep it. */
  readonly goneSince?: number
}

const EMPTY: Manifest = { objects: [], findings: [] }

export class FolderState {
  readonly #dir: string
  readonly #known = new Map<string, KnownFile>()
  #first = true

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Throws when the folder cannot be read at the first look; later that is a finding. */
  async look(): Promise<Look> {
    try {
      const { files, findings } = await listFiles(this.#dir)
      const waits = [...(await this.#readAll(files)), ...this.#dropGone(new Set(files.map(({ file }) => file)))]
      this.#first = false
      return this.#result(findings, waits)
    } catch (error) {
      if (this.#first) throw error
      const text = `the folder cannot be read (${codeOf(error)}); what was in it stays in force`
      return this.#result([fileFinding({ file: this.#dir }, 'error', 'FolderUnreadable', text)], [])
    }
  }

  async #readAll(files: readonly FoundFile[]): Promise<number[]> {
    const waits: number[] = []
    for (const found of files) {
      const wait = await this.#read(found)
      if (wait > 0) waits.push(wait)
    }
    return waits
  }

  /** Milliseconds until the file can be read; 0: it was, or did not have to be. */
  async #read(found: FoundFile): Promise<number> {
    const { file, stats } = found
    const known = this.#known.get(file)
    const stamp = stampOf(stats)
    if (known?.stamp === stamp) {
      this.#known.set(file, withoutGone(known))
      return 0
    }
    const wait = this.#first ? 0 : unsettled(stats.mtimeMs)
    if (wait > 0) return wait
    const parsed = await readFound(found)
    if (parsed === undefined) return GONE_MS
    // Written to between the look and the reading: what was read may be half of it.
    if (!this.#first && (await currentStamp(found.path)) !== stamp) return SETTLE_MS
    this.#known.set(file, { stamp, manifest: known?.manifest ?? EMPTY, ...parsed })
    return 0
  }

  #dropGone(present: ReadonlySet<string>): number[] {
    const waits: number[] = []
    for (const [file, known] of this.#known) {
      if (present.has(file)) continue
      const goneSince = known.goneSince ?? performance.now()
      const wait = goneSince + GONE_MS - performance.now()
      if (wait > 0) {
        waits.push(wait)
        this.#known.set(file, { ...known, goneSince })
      } else {
        this.#known.delete(file)
      }
    }
    return waits
  }

  #result(findings: readonly Finding[], waits: readonly number[]): Look {
    const files = [...this.#known.keys()].sort().map((file) => this.#known.get(file) as KnownFile)
    const merged = merge(files.filter((it) => it.goneSince === undefined).map((it) => it.manifest))
    // Of what is gone but not yet deleted only objects count that are nowhere else: the file was renamed.
    const gone = merge(files.filter((it) => it.goneSince !== undefined).map((it) => it.manifest))
    return {
      objects: new Map([...gone.objects, ...merged.objects]),
      findings: [...findings, ...files.flatMap((it) => it.failure ?? []), ...merged.findings],
      ...(waits.length === 0 ? {} : { again: Math.min(...waits) }),
    }
  }
}

/** Milliseconds until a file written at `mtimeMs` counts as whole. */
function unsettled(mtimeMs: number): number {
  // File times have parts of a millisecond, `Date.now()` has none: the present can seem to lie ahead.
  const quiet = Date.now() - Math.floor(mtimeMs)
  // A time in the future is another machine's clock, and no reason to wait.
  return quiet < 0 ? 0 : Math.max(0, SETTLE_MS - quiet)
}

function stampOf(stats: Stats): string {
  return `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`
}

async function currentStamp(path: string): Promise<string> {
  return stat(path).then(stampOf, () => '')
}

function withoutGone({ goneSince: _, ...known }: KnownFile): KnownFile {
  return known
}
