/**
 * While the API server cannot be reached, one probe asks for it and everyone else waits. Thousands of
 * watches that each knock by themselves cost a whole core, and come back later than one that knocks often.
 */
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'

export interface OutageGateOptions {
  /** Resolves when the server gives any answer at all. */
  readonly probe: (signal: AbortSignal) => Promise<void>
  readonly timing: RetryTiming
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
    const { probe, timing } = this.#options
    await retrying(() => probe(signal), { timing, signal }).catch(() => undefined)
    this.#outage = undefined
  }
}
