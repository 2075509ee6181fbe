/**
 * Writes the status of the objects of one kind, while this replica leads.
 * Invariants: only an object that is desired, that has been seen with that uid, and whose status differs
 * is written; the write carries the resourceVersion that was seen, so that an object which has changed
 * since (and may belong to someone else now) is refused by the server and looked at again.
 */
import { objectKey, objectName } from '../ir/object-name.ts'
import { Slots } from '../util/slots.ts'
import { ApiError } from './errors.ts'
import type { LeaderApi } from './leadership.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import type { ReflectorSink } from './reflector.ts'
import { asRawObject, objectPath } from './resource.ts'
import type { RawObject, Resource } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiRequest } from './transport.ts'
import { realWait } from './wait.ts'

/** What the status of a kind is made of. `Wish`: what it shall say. `Seen`: what of an object is kept. */
export interface StatusKind<Wish, Seen> {
  readonly resource: Resource
  readonly see: (object: RawObject) => Seen
  readonly same: (one: Wish, other: Wish) => boolean
  /** The `status` of a merge patch that makes it so; undefined: it is so already. */
  readonly change: (wish: Wish, seen: Seen) => object | undefined
}

/** A wish is for the object with that uid, and not for a later one of the same name. */
export interface Desired<Wish> {
  readonly uid: string
  readonly wish: Wish
}

/** Milliseconds. */
export interface StatusTiming extends RetryTiming {
  /**
   * After a write an object rests that long before a change by someone else is written over: two
   * controllers that disagree must not fight at full speed. ingress-nginx looks as often.
   */
  readonly rest: number
}

export interface StatusWriterOptions<Wish, Seen> {
  readonly kind: StatusKind<Wish, Seen>
  readonly api: LeaderApi
  readonly log: Logger
  readonly timing?: Partial<StatusTiming>
}

interface Observed<Seen> {
  readonly uid: string
  readonly resourceVersion: string
  readonly seen: Seen
}

interface Entry<Wish, Seen> {
  desired?: Desired<Wish> | undefined
  observed?: Observed<Seen> | undefined
  /** What was written last, while it rests. */
  resting?: Desired<Wish> | undefined
  busy: boolean
}

interface Change<Wish, Seen> {
  readonly desired: Desired<Wish>
  readonly observed: Observed<Seen>
  readonly status: object
}

const DEFAULT_TIMING: StatusTiming = { backoffMin: 500, backoffMax: 60_000, rest: 60_000, wait: realWait }
const CONCURRENT_WRITES = 8
/** What fails for one object and will fail for all: said once, not ten thousand times. */
const COMMON_TROUBLE = 'all'

export class StatusWriter<Wish, Seen> {
  /** To be fed with every object of the kind, status included. */
  readonly observer: ReflectorSink<RawObject>
  readonly #kind: StatusKind<Wish, Seen>
  readonly #api: LeaderApi
  readonly #timing: StatusTiming
  readonly #troubles: TroubleLog
  readonly #entries = new Map<string, Entry<Wish, Seen>>()
  readonly #slots = new Slots(CONCURRENT_WRITES)
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor({ kind, api, log, timing }: StatusWriterOptions<Wish, Seen>) {
    this.#kind = kind
    this.#api = api
    this.#timing = { ...DEFAULT_TIMING, ...timing }
    this.#troubles = new TroubleLog(log)
    this.observer = {
      replace: (objects) => this.#observeAll(objects),
      set: (object) => this.#observe(object),
      delete: ({ metadata }) => this.#observeGone(objectKey(metadata)),
    }
  }

  /** From now on the object `namespace/name` shall have this status. The latest wins. */
  desire(key: string, desired: Desired<Wish>): void {
    const entry = this.#entry(key)
    if (entry.desired?.uid === desired.uid && this.#kind.same(entry.desired.wish, desired.wish)) return
    entry.desired = desired
    this.#consider(key, entry)
  }

  /** This replica leads from now on: what differs is written at once. */
  resume(): void {
    for (const [key, entry] of this.#entries) {
      entry.resting = undefined
      this.#consider(key, entry)
    }
  }

  /** The object is not ours any more: its status is left as it is. */
  forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.desired = undefined
    this.#dropIfEmpty(key, entry)
  }

  /** The objects whose status says what it shall. */
  satisfied(): string[] {
    return [...this.#entries].filter(([, entry]) => this.#isSatisfied(entry)).map(([key]) => key)
  }

  /** Resolves when no write is under way or waits to be retried. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.idle()
  }

  #observeAll(objects: readonly RawObject[]): void {
    const listed = new Set(objects.map(({ metadata }) => objectKey(metadata)))
    for (const key of [...this.#entries.keys()].filter((each) => !listed.has(each))) this.#observeGone(key)
    for (const object of objects) this.#observe(object)
  }

  #observe(object: RawObject): void {
    const key = objectKey(object.metadata)
    const entry = this.#entry(key)
    entry.observed = this.#observed(object)
    this.#consider(key, entry)
  }

  #observed(object: RawObject): Observed<Seen> {
    const { uid = '', resourceVersion = '' } = object.metadata
    return { uid, resourceVersion, seen: this.#kind.see(object) }
  }

  #observeGone(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.observed = undefined
    this.#dropIfEmpty(key, entry)
  }

  #entry(key: string): Entry<Wish, Seen> {
    const entry = this.#entries.get(key) ?? { busy: false }
    this.#entries.set(key, entry)
    return entry
  }

  #dropIfEmpty(key: string, entry: Entry<Wish, Seen>): void {
    if (!entry.busy && entry.desired === undefined && entry.observed === undefined) this.#entries.delete(key)
  }

  #consider(key: string, entry: Entry<Wish, Seen>): void {
    if (entry.busy || this.#stop.signal.aborted || !this.#api.isLeading()) return
    if (this.#changeOf(entry) === undefined) return
    entry.busy = true
    const work = this.#settle(key, entry).finally(() => {
      this.#running.delete(work)
      entry.busy = false
      this.#consider(key, entry)
      this.#dropIfEmpty(key, entry)
    })
    this.#running.add(work)
  }

  /** The write that is due; undefined: none is. */
  #changeOf({ desired, observed, resting }: Entry<Wish, Seen>): Change<Wish, Seen> | undefined {
    if (desired === undefined || observed === undefined || desired === resting) return undefined
    if (desired.uid !== observed.uid) return undefined
    const status = this.#kind.change(desired.wish, observed.seen)
    return status === undefined ? undefined : { desired, observed, status }
  }

  #isSatisfied({ desired, observed }: Entry<Wish, Seen>): boolean {
    if (desired === undefined || desired.uid !== observed?.uid) return false
    return this.#kind.change(desired.wish, observed.seen) === undefined
  }

  /** Tries until there is nothing to do for this object, or another replica leads. Never rejects. */
  async #settle(key: string, entry: Entry<Wish, Seen>): Promise<void> {
    const { signal } = this.#stop
    await retrying(() => this.#slots.run(() => this.#write(key, entry)), {
      timing: this.#timing,
      signal,
      shouldRetry: () => this.#api.isLeading(),
      failed: (error) => this.#report(key, error, `cannot write the status of ${this.#what}; retrying`),
    }).catch((error: unknown) => {
      if (!signal.aborted) this.#report(key, error, `gave up the status of ${this.#what}`)
    })
  }

  /** For messages: `an Ingress`, `a Proxy`. */
  get #what(): string {
    const { kind } = this.#kind.resource
    return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`
  }

  #report(key: string, error: unknown, message: string): void {
    // What was under way when the term ended is the next leader's now.
    if (!this.#api.isLeading()) return
    const common = error instanceof ApiError && (error.unreachable || error.status === 403)
    this.#troubles.report(common ? COMMON_TROUBLE : key, { object: key, err: error }, message)
  }

  async #write(key: string, entry: Entry<Wish, Seen>): Promise<void> {
    // Looked at again at each try: the wish may have changed or gone while this one waited.
    const change = this.#changeOf(entry)
    if (change === undefined) return
    const { desired, observed } = change
    const written = await this.#patch(key, change)
    // undefined: what we saw is old. The watch brings the newer one, unless it already has.
    if (entry.observed === observed) entry.observed = written
    if (written === undefined) return
    for (const trouble of [COMMON_TROUBLE, key]) {
      this.#troubles.clear(trouble, `the status of ${this.#what} can be written again`)
    }
    this.#rest(key, entry, desired)
  }

  /** The object as it is now; undefined: refused, because it is not what was observed any more. */
  async #patch(key: string, { observed, status }: Change<Wish, Seen>): Promise<Observed<Seen> | undefined> {
    const { namespace, name } = objectName(key)
    const { uid, resourceVersion } = observed
    const request: ApiRequest = {
      method: 'PATCH',
      path: `${objectPath(this.#kind.resource, namespace, name)}/status`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid, resourceVersion }, status },
      signal: this.#stop.signal,
    }
    try {
      return this.#observed(asRawObject(await this.#api.json(request)))
    } catch (error) {
      if (!(error instanceof ApiError && isOutdated(error))) throw error
      if (error.status === 422) this.#report(key, error, `the status of ${this.#what} was refused`)
      return undefined
    }
  }

  #rest(key: string, entry: Entry<Wish, Seen>, written: Desired<Wish>): void {
    entry.resting = written
    const over = (): void => {
      if (entry.resting === written) entry.resting = undefined
      this.#consider(key, entry)
    }
    void this.#timing.wait(this.#timing.rest, this.#stop.signal).then(over, () => undefined)
  }
}

/** 404: deleted. 409: another resourceVersion. 422: another uid, which a patch may not change. */
function isOutdated({ status }: ApiError): boolean {
  return status === 404 || status === 409 || status === 422
}
