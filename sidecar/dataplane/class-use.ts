/** Which location classes the records in OpenResty need, or will, counted, so that asking costs nothing per record. */
import type { RecordKey } from '../dynamic/records.ts'

export class ClassUse {
  readonly #byRecord = new Map<RecordKey, readonly string[]>()
  readonly #counts = new Map<string, number>()

  /** The record at `key` needs exactly these classes now. */
  set(key: RecordKey, classes: readonly string[]): void {
    for (const name of this.#byRecord.get(key) ?? []) this.#add(name, -1)
    for (const name of classes) this.#add(name, 1)
    if (classes.length === 0) this.#byRecord.delete(key)
    else this.#byRecord.set(key, classes)
  }

  /** A record that needs these classes is under way: OpenResty has it, or the one of before, until `set` says which. */
  expect(key: RecordKey, classes: readonly string[]): void {
    this.set(key, [...new Set([...this.#byRecord.get(key) ?? [], ...classes])])
  }

  /** Every class that at least one record needs, or may need. */
  names(): Iterable<string> {
    return this.#counts.keys()
  }

  #add(name: string, change: number): void {
    const count = (this.#counts.get(name) ?? 0) + change
    if (count === 0) this.#counts.delete(name)
    else this.#counts.set(name, count)
  }
}
