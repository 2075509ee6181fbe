/** When did the last connection change over from old answers to new ones? */
import type { Answer } from './poller.ts'

/** A connection that has given the new answer so often in a row has changed over. */
const SURE = 3

export class Changeover {
  readonly #isNew: (answer: Answer) => boolean
  readonly #connections: readonly { firstNew: number; inARow: number }[]
  readonly #done = Promise.withResolvers<number>()

  constructor(connections: number, isNew: (answer: Answer) => boolean) {
    this.#isNew = isNew
    this.#connections = Array.from({ length: connections }, () => ({ firstNew: 0, inARow: 0 }))
  }

  /**
   * Resolves with the moment (`performance.now()`) when the slowest connection sent the first request that,
   * like all after it, got a new answer: at least as late as the change itself.
   */
  get done(): Promise<number> {
    return this.#done.promise
  }

  add(answer: Answer): void {
    const state = this.#connections[answer.connection]
    if (state === undefined) return
    if (!this.#isNew(answer)) {
      state.inARow = 0
      return
    }
    if (state.inARow === 0) state.firstNew = answer.sent
    state.inARow += 1
    if (this.#connections.every(({ inARow }) => inARow >= SURE)) {
      this.#done.resolve(Math.max(...this.#connections.map(({ firstNew }) => firstNew)))
    }
  }
}
