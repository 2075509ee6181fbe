/**
 * How many Events one object may have, so that nobody keeps the API server and the Events of others busy with an
 * object whose trouble is another one each second. The numbers are those of client-go (EventSourceObjectSpamFilter).
 */
import type { Origin } from '../ir/origin.ts'

const BURST = 25
const MILLISECONDS_PER_EVENT = 300_000

export class EventBudget {
  /** Object -> when it has its whole burst again; only those that have not. */
  readonly #spent = new Map<string, number>()

  /** Whether the object may have one more; `now` in milliseconds of a monotonic clock. */
  take({ kind, namespace, name, uid = '' }: Origin, now: number): boolean {
    const key = JSON.stringify([kind, namespace, name, uid])
    const full = Math.max(now, this.#spent.get(key) ?? 0) + MILLISECONDS_PER_EVENT
    if (full - now > BURST * MILLISECONDS_PER_EVENT) return false
    // Last in the map, so that those with the oldest Events come first.
    this.#spent.delete(key)
    this.#spent.set(key, full)
    this.#forget(now)
    return true
  }

  #forget(now: number): void {
    for (const [key, full] of this.#spent) {
      if (full > now) return
      this.#spent.delete(key)
    }
  }
}
