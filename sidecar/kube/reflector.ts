/**
 * List and watch of one collection: the sink's picture follows the server's state.
 * Invariants: a list is made only when there is no resource version to resume from (the start, 410 Gone,
 * two frames in a row that cannot be decoded, or a kind that the server does not know); it never gives up;
 * a sink that throws does not stop it.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
import { ApiError, asError } from './errors.ts'
import { PagedList } from './paged-list.ts'
import type { RawObject } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiTransport } from './transport.ts'
import { followWatch } from './watch.ts'
import type { WatchEnd, WatchEndReason, WatchEvent } from './watch.ts'
import { realWait } from './wait.ts'

/** Plain numbers for metrics; several reflectors may share one. */
export interface ReflectorCounters {
  lists: number
  watches: number
  events: number
  bookmarks: number
  sinkErrors: number
  readonly restarts: Record<WatchEndReason, number>
}

/** All zero. */
export function newCounters(): ReflectorCounters {
  const ends = { ended: 0, dropped: 0, stalled: 0, expired: 0, undecodable: 0, refused: 0, unreachable: 0 }
  return { lists: 0, watches: 0, events: 0, bookmarks: 0, sinkErrors: 0, restarts: ends }
}

export interface ReflectorSink<T> {
  /** The complete list: what is not in it is gone. */
  replace(objects: readonly T[]): void
  set(object: T): void
  delete(object: T): void
}

/** What the owner may want to say; a lasting trouble is reported at each retry. */
export interface ReflectorObserver {
  trouble(error: Error, verb: 'list' | 'watch'): void
  healthy(): void
  sinkFailed(error: Error): void
}

/** All in milliseconds. */
export interface ReflectorTiming extends RetryTiming {
  /** A watch asks to live this long, and up to twice as long, so that watches do not end all at once. */
  readonly watch: number
  /** How much longer than it asked for a watch may stay open. */
  readonly slack: number
  /** A watch that brought nothing and ended sooner counts as a failure, or the loop would spin. */
  readonly shortWatch: number
}

const DEFAULT_TIMING: ReflectorTiming = {
  watch: 300_000,
  slack: 30_000,
  backoffMin: 250,
  backoffMax: 5_000,
  shortWatch: 1_000,
  wait: realWait,
}

export interface ReflectorOptions<T> {
  readonly transport: ApiTransport
  /** Path of the collection, for example `/api/v1/namespaces/prod/secrets`. */
  readonly path: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /** The server may not know the kind: the list is then empty, and is asked for again. */
  readonly optional?: boolean
  /** What of an object goes on to the sink; the rest is never held. */
  readonly keep: (raw: RawObject) => T
  readonly sink: ReflectorSink<T>
  readonly observer: ReflectorObserver
  readonly counters: ReflectorCounters
  readonly timing?: Partial<ReflectorTiming>
}

/** A frame may be broken on its way once. Twice it is the history itself: only a list gets past it. */
const MAX_UNDECODABLE = 2

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>
  readonly #timing: ReflectorTiming
  readonly #query: Readonly<Record<string, string>>
  readonly #list: PagedList<T>
  readonly #stop = new AbortController()
  /** Where the next watch resumes; undefined: a list is needed. */
  #resourceVersion: string | undefined
  #undecodable = 0
  #done: Promise<void> | undefined

  constructor(options: ReflectorOptions<T>) {
    const { transport, path, keep, fieldSelector, labelSelector } = options
    this.#options = options
    this.#timing = { ...DEFAULT_TIMING, ...options.timing }
    this.#query = {
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    }
    this.#list = new PagedList({ transport, path, keep, query: this.#query })
  }

  start(): void {
    this.#done ??= this.#run()
  }

  /** Ends the open request; resolves when nothing more will reach the sink. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await retrying(() => this.#attempt(signal), { timing: this.#timing, signal })
      } catch (error) {
        if (signal.aborted) return
        // A bug of ours: going on is worth more than stopping.
        this.#options.observer.trouble(asError(error), 'watch')
        await this.#timing.wait(this.#timing.backoffMax, signal).catch(() => undefined)
      }
    }
  }

  /** Returns when there is reason to go on at once; throws when the next try has to wait. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const resumed = this.#resourceVersion !== undefined
    if (!resumed) await this.#relist(signal)
    const end = await this.#watch(signal)
    if (signal.aborted) return
    this.#options.counters.restarts[end.reason]++
    if (this.#mustRelist(end)) this.#resourceVersion = undefined
    const useful = end.brought || (end.lived ?? -1) >= this.#timing.shortWatch
    const relistNow = resumed && this.#resourceVersion === undefined
    if (useful || relistNow) return
    const error = end.error ?? new Error('the watch ended as soon as it was open')
    this.#report(error, 'watch')
    throw error
  }

  #mustRelist(end: WatchEnd): boolean {
    if (this.#isUnknownKind(end.error)) return true
    if (end.reason === 'undecodable') return ++this.#undecodable >= MAX_UNDECODABLE
    return end.reason === 'expired'
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { sink, observer, counters } = this.#options
    try {
      const { items, resourceVersion } = await this.#list.fetch(signal)
      counters.lists++
      this.#undecodable = 0
      this.#resourceVersion = resourceVersion
      observer.healthy()
      this.#deliver(() => sink.replace(items))
    } catch (error) {
      if (this.#isUnknownKind(error)) this.#deliver(() => sink.replace([]))
      if (!signal.aborted) this.#report(asError(error), 'list')
      throw error
    }
  }

  #report(error: Error, verb: 'list' | 'watch'): void {
    if (!this.#isUnknownKind(error)) this.#options.observer.trouble(error, verb)
  }

  #isUnknownKind(error: unknown): boolean {
    return this.#options.optional === true && error instanceof ApiError && error.status === 404
  }

  async #watch(signal: AbortSignal): Promise<WatchEnd> {
    const { transport, path, observer, counters } = this.#options
    const timeoutSeconds = Math.ceil((this.#timing.watch * (1 + Math.random())) / 1000)
    return followWatch({
      transport,
      path,
      query: { ...this.#query, resourceVersion: this.#resourceVersion ?? '' },
      timeoutSeconds,
      limit: timeoutSeconds * 1000 + this.#timing.slack,
      wait: this.#timing.wait,
      signal,
      opened: () => {
        counters.watches++
        observer.healthy()
      },
      apply: (event) => this.#apply(event),
    })
  }

  #apply(event: WatchEvent): void {
    const { sink, counters, keep } = this.#options
    if (event.type === 'bookmark') {
      counters.bookmarks++
    } else {
      counters.events++
      this.#deliver(() => sink[event.type](keep(event.object)))
    }
    this.#undecodable = 0
    this.#resourceVersion = event.resourceVersion
  }

  #deliver(call: () => void): void {
    // An answer may have been complete already when the signal came.
    if (this.#stop.signal.aborted) return
    try {
      call()
    } catch (error) {
      this.#options.counters.sinkErrors++
      this.#options.observer.sinkFailed(asError(error))
    }
  }
}
