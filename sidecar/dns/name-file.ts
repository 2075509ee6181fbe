/**
 * The last good answers of DNS in a file of the run folder: for a sidecar that is started again while DNS fails.
 * It is a memory and no source: what is in it is judged like any answer, and used only where there is none.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { items, fields } from '../util/field.ts'

export type KnownNames = ReadonlyMap<string, readonly string[]>

/** What the file holds; nothing when there is none, or it cannot be understood. */
export async function readNameFile(path: string): Promise<KnownNames> {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  try {
    const entries = Object.entries(fields(JSON.parse(text)))
    return new Map(entries.map(([name, list]) => [name, items(list).filter((it) => typeof it === 'string')]))
  } catch {
    return new Map()
  }
}

export class NameFile {
  readonly #path: string
  readonly #failed: (error: unknown) => void
  readonly #known: Map<string, readonly string[]>
  #writing: Promise<void> | undefined
  #dirty = false

  /** `known`: what the file holds. `failed` is told when it cannot be written; the next change tries again. */
  constructor(path: string, known: KnownNames, failed: (error: unknown) => void) {
    this.#path = path
    this.#known = new Map(known)
    this.#failed = failed
  }

  keep(name: string, addresses: readonly string[]): void {
    this.#known.set(name, addresses)
    this.#changed()
  }

  /** The others are not needed any more. */
  retain(names: readonly string[]): void {
    const needed = new Set(names)
    const gone = [...this.#known.keys()].filter((name) => !needed.has(name))
    for (const name of gone) this.#known.delete(name)
    if (gone.length > 0) this.#changed()
  }

  /** Resolves when what is known has been written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Changes that come while the file is written are written together. */
  #changed(): void {
    this.#dirty = true
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
  }

  async #writeAll(): Promise<void> {
    while (this.#dirty) {
      // Many names have their first answer in one turn.
      await new Promise((resolve) => setImmediate(resolve))
      this.#dirty = false
      await this.#write().catch(this.#failed)
    }
  }

  /** Never half a file. */
  async #write(): Promise<void> {
    const next = `${this.#path}.new`
    await writeFile(next, JSON.stringify(Object.fromEntries(this.#known)), { mode: 0o600 })
    await rename(next, this.#path)
  }
}
