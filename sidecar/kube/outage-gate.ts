/**
 * While the API server cannot be reached, one probe asks for it and everyone else waits. Thousands of
 * watches that each knock by themselves cost a whole core, and come back later than one that knocks often.
 */
import pRetry from 'p-retry'

export interface OutageGateOptions {
  /** Resolves when the server gives any answer at all. */
  readonly probe: (signal: AbortSignal) => Promise<void>
  /** Milliseconds between probes: grows from the first to the second. */
  readonly minWait: number
  readonly maxWait: number
}

export class OutageGate {
  readonly #options: OutageGateOptions
  readonly #closed = new AbortController()
  /** Never rejects; undefined: the server can be reached as far as we know. */
  #outage: Promise<void> | undefined

  constructor(options: OutageGateOptions) {
    this.#options = options
  }

  /** Waits for the end of an outage. Throws the signal's reason when it aborts first. */
  async pass(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#outage === undefined) return
    if (signal === undefined) return this.#outage
    const aborted = Promise.withResolvers<never>()
    const abort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await Promise.race([this.#outage, aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** A request got no answer. */
  lost(): void {
    if (!this.#closed.signal.aborted) this.#outage ??= this.#recover()
  }

  close(): void {
    this.#closed.abort()
  }

  async #recover(): Promise<void> {
    const { signal } = this.#closed
    const { probe, minWait, maxWait } = this.#options
    await pRetry(() => probe(signal), {
      retries: Infinity,
      minTimeout: minWait,
      maxTimeout: maxWait,
      randomize: true,
      signal,
    }).catch(() => undefined)
    this.#outage = undefined
  }
}
