/** Who has read what: the dependencies of derived collections. */
import { SmallSet } from './small-set.ts'

/** One output of a derived collection, as a thing that can become dirty. */
export class Output {
  readonly owner: { markDirty(key: string): void }
  readonly key: string
  /** Where it is filed as a reader. */
  #reads: SmallSet<Output>[] = []

  constructor(owner: { markDirty(key: string): void }, key: string) {
    this.owner = owner
    this.key = key
  }

  get reads(): boolean {
    return this.#reads.length > 0
  }

  readFrom(readers: SmallSet<Output>): void {
    if (readers.has(this)) return
    readers.add(this)
    this.#reads.push(readers)
  }

  forgetReads(): void {
    for (const readers of this.#reads) readers.delete(this)
    this.#reads = []
  }

  /** It has read all that it reads: an array that grew has room for sixteen more. */
  keepReads(): void {
    this.#reads = this.#reads.slice()
  }
}

export function readersOf(map: Map<string, SmallSet<Output>>, key: string): SmallSet<Output> {
  let readers = map.get(key)
  if (readers === undefined) map.set(key, (readers = new SmallSet()))
  return readers
}

export function markReaders(map: Map<string, SmallSet<Output>>, key: string): void {
  const readers = map.get(key)
  if (readers === undefined) return
  if (readers.size === 0) map.delete(key)
  for (const output of readers) output.owner.markDirty(output.key)
}
