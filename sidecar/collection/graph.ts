/**
 * Derived collections: a function from input to output that records what it reads. After a change
 * only the outputs that read it are computed again, and only real differences go on.
 *
 * Invariant: what a collection holds depends on the current content of the sources alone, never on
 * the order in which they changed (incremental = from scratch).
 */
import { compareText } from '../util/canonical.ts'
import { isEqual } from '../util/equal.ts'
import { markReaders, Output, readersOf } from './readers.ts'
import { SmallSet } from './small-set.ts'

/** How a derivation reads other collections; each read becomes a dependency of its output. */
export interface Reader {
  get<V>(collection: Collection<V>, key: string): V | undefined
  /** The values that the index files under `key`, ordered by their collection key. */
  lookup<V>(index: Index<V>, key: string): readonly V[]
  /** Every value, ordered by key: the output is computed again at any change of the collection. */
  all<V>(collection: Collection<V>): readonly V[]
}

export type Listener<V> = (key: string, value: V | undefined) => void

/** Keyed values. Made by a Graph; read anywhere, written only through their Source or derivation. */
export class Collection<V> {
  protected readonly values = new Map<string, V>()
  readonly #keyReaders = new Map<string, SmallSet<Output>>()
  readonly #allReaders = new Map<string, SmallSet<Output>>()
  readonly #listeners: Listener<V>[] = []
  readonly #indexes: Index<V>[] = []

  get(key: string): V | undefined {
    return this.values.get(key)
  }

  keys(): string[] {
    return [...this.values.keys()].sort(compareText)
  }

  all(): V[] {
    return this.keys().map((key) => this.values.get(key) as V)
  }

  get size(): number {
    return this.values.size
  }

  /** Called for each real change, after the value is in place. */
  subscribe(listener: Listener<V>): void {
    this.#listeners.push(listener)
  }

  /** Files each value under the keys that `keysOf` gives for it. */
  index(keysOf: (value: V) => Iterable<string>): Index<V> {
    const index = new Index(this, keysOf)
    this.#indexes.push(index)
    for (const [key, value] of this.values) index.update(key, undefined, value)
    return index
  }

  /** Used by Reader: `output` depends on this key (or on all of them). */
  dependOn(output: Output, key?: string): void {
    output.readFrom(key === undefined ? readersOf(this.#allReaders, '') : readersOf(this.#keyReaders, key))
  }

  protected put(key: string, value: V | undefined): void {
    const old = this.values.get(key)
    if (value === undefined) this.values.delete(key)
    else this.values.set(key, value)
    for (const index of this.#indexes) index.update(key, old, value)
    markReaders(this.#keyReaders, key)
    markReaders(this.#allReaders, '')
    for (const listener of this.#listeners) listener(key, value)
  }
}

/** Groups of the keys of one collection. */
export class Index<V> {
  readonly #collection: Collection<V>
  readonly #keysOf: (value: V) => Iterable<string>
  readonly #members = new Map<string, SmallSet<string>>()
  readonly #readers = new Map<string, SmallSet<Output>>()
  readonly #listeners: ((key: string) => void)[] = []

  constructor(collection: Collection<V>, keysOf: (value: V) => Iterable<string>) {
    this.#collection = collection
    this.#keysOf = keysOf
  }

  keys(): Iterable<string> {
    return this.#members.keys()
  }

  has(key: string): boolean {
    return this.#members.has(key)
  }

  lookup(key: string): V[] {
    const members = [...(this.#members.get(key) ?? [])].sort(compareText)
    return members.map((member) => this.#collection.get(member) as V)
  }

  onChange(listener: (key: string) => void): void {
    this.#listeners.push(listener)
  }

  dependOn(output: Output, key: string): void {
    output.readFrom(readersOf(this.#readers, key))
  }

  update(member: string, old: V | undefined, value: V | undefined): void {
    const before = new Set(old === undefined ? [] : this.#keysOf(old))
    const after = new Set(value === undefined ? [] : this.#keysOf(value))
    for (const key of before) if (!after.has(key)) this.#remove(key, member)
    for (const key of after) this.#add(key, member)
    for (const key of before.union(after)) {
      markReaders(this.#readers, key)
      for (const listener of this.#listeners) listener(key)
    }
  }

  #add(key: string, member: string): void {
    let members = this.#members.get(key)
    if (members === undefined) this.#members.set(key, (members = new SmallSet()))
    members.add(member)
  }

  #remove(key: string, member: string): void {
    const members = this.#members.get(key)
    members?.delete(member)
    if (members?.size === 0) this.#members.delete(key)
  }
}

/** A collection that is written from outside. */
export class Source<V> extends Collection<V> {
  set(key: string, value: V): void {
    this.put(key, value)
  }

  delete(key: string): void {
    if (this.values.has(key)) this.put(key, undefined)
  }
}

class Derived<V> extends Collection<V> {
  readonly #dirty = new Set<string>()
  readonly #outputs = new Map<string, Output>()
  readonly #compute: (key: string, reader: Reader) => V | undefined

  constructor(compute: (key: string, reader: Reader) => V | undefined) {
    super()
    this.#compute = compute
  }

  markDirty(key: string): void {
    this.#dirty.add(key)
  }

  recompute(): void {
    for (const key of this.#dirty) this.#recomputeOne(key)
    this.#dirty.clear()
  }

  #recomputeOne(key: string): void {
    const output = this.#outputs.get(key) ?? new Output(this, key)
    output.forgetReads()
    const value = this.#compute(key, recordingReader(output))
    output.keepReads()
    if (output.reads) this.#outputs.set(key, output)
    else this.#outputs.delete(key)
    if (!isEqual(value, this.values.get(key))) this.put(key, value)
  }
}

function recordingReader(output: Output): Reader {
  return {
    get: (collection, key) => {
      collection.dependOn(output, key)
      return collection.get(key)
    },
    lookup: (index, key) => {
      index.dependOn(output, key)
      return index.lookup(key)
    },
    all: (collection) => {
      collection.dependOn(output)
      return collection.all()
    },
  }
}

/** One of the inputs of `mapAll`, and what becomes of its members. */
export interface Part<I, O> {
  /** Without a slash. */
  readonly prefix: string
  readonly input: Collection<I>
  compute(value: I, reader: Reader): O | undefined
}

/** The collections of one program, in the order of their making, which is the order of computation. */
export class Graph {
  readonly #derived: Derived<unknown>[] = []

  source<V>(): Source<V> {
    return new Source<V>()
  }

  /** One output for each input, under the same key; `undefined` = no output. */
  map<I, O>(input: Collection<I>, compute: (value: I, reader: Reader) => O | undefined): Collection<O> {
    const derived = this.#add<O>((key, reader) => {
      const value = input.get(key)
      return value === undefined ? undefined : compute(value, reader)
    })
    input.subscribe((key) => derived.markDirty(key))
    for (const key of input.keys()) derived.markDirty(key)
    return derived
  }

  /**
   * One output for each key of the index. `members` gives the values that are filed there; who only
   * needs the key does not pay for them.
   */
  group<I, O>(
    index: Index<I>,
    compute: (key: string, members: () => readonly I[], reader: Reader) => O | undefined,
  ): Collection<O> {
    const derived = this.#add<O>((key, reader) =>
      index.has(key) ? compute(key, () => index.lookup(key), reader) : undefined,
    )
    index.onChange((key) => derived.markDirty(key))
    for (const key of index.keys()) derived.markDirty(key)
    return derived
  }

  /** `map` of several collections into one: an output is under the key `<prefix>/<key>` of its input. */
  mapAll<I, O>(parts: readonly Part<I, O>[]): Collection<O> {
    const byPrefix = new Map(parts.map((part) => [part.prefix, part]))
    const derived = this.#add<O>((key, reader) => {
      const end = key.indexOf('/')
      const part = byPrefix.get(key.slice(0, end))
      const value = part?.input.get(key.slice(end + 1))
      return value === undefined ? undefined : part?.compute(value, reader)
    })
    for (const { prefix, input } of parts) {
      input.subscribe((key) => derived.markDirty(`${prefix}/${key}`))
      for (const key of input.keys()) derived.markDirty(`${prefix}/${key}`)
    }
    return derived
  }

  /** Brings every derived collection up to date with the sources. */
  flush(): void {
    for (const derived of this.#derived) derived.recompute()
  }

  #add<O>(compute: (key: string, reader: Reader) => O | undefined): Derived<O> {
    const derived = new Derived<O>(compute)
    this.#derived.push(derived as Derived<unknown>)
    return derived
  }
}
