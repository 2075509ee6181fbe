/** Changes that OpenResty does not have yet, and since when: what tells a slow data plane from an idle one. */
import type { RecordKey } from '../dynamic/records.ts'

export class PendingChanges {
  /** In the order of their coming, so the first is the oldest. Milliseconds of `performance.now()`. */
  readonly #since = new Map<RecordKey, number>()

  /** These keys changed; one that waits already goes on waiting since then. */
  add(keys: Iterable<RecordKey>, now: number): void {
    for (const key of keys) if (!this.#since.has(key)) this.#since.set(key, now)
  }

  /** Forgets the keys of which OpenResty has what is wanted. */
  settle(isApplied: (key: RecordKey) => boolean): void {
    for (const key of this.#since.keys()) if (isApplied(key)) this.#since.delete(key)
  }

  get size(): number {
    return this.#since.size
  }

  /** Milliseconds that the oldest has waited; 0 when there is none. */
  age(now: number): number {
    const [oldest] = this.#since.values()
    return oldest === undefined ? 0 : now - oldest
  }
}
