/** One in flight, one filling: no timer delays a lone change, and no queue grows. */
import pRetry from 'p-retry'

export class Lane {
  readonly #work: () => Promise<void>
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  #running = false
  #again = false

  /** `work` is repeated with back-off until it resolves; every failure is told to `onError`. */
  constructor(work: () => Promise<void>, onError: (error: unknown) => void) {
    this.#work = work
    this.#onError = onError
  }

  /** There is (maybe) something to do. While work is in flight, any number of kicks make one more round. */
  kick(): void {
    if (this.#running) this.#again = true
    else void this.#run()
  }

  close(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    this.#running = true
    do {
      this.#again = false
      await this.#attempt()
    } while (this.#again && !this.#stop.signal.aborted)
    this.#running = false
  }

  async #attempt(): Promise<void> {
    try {
      await pRetry(() => this.#work().catch(asRetryable), {
        retries: Infinity,
        minTimeout: 50,
        maxTimeout: 2_000,
        randomize: true,
        signal: this.#stop.signal,
        onFailedAttempt: ({ error }) => this.#onError(error),
      })
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    }
  }
}

/** p-retry gives up on every TypeError that it does not know as one of the network; a lane never gives up. */
function asRetryable(error: unknown): never {
  throw error instanceof TypeError ? new Error(error.message, { cause: error }) : error
}
