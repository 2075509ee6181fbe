/**
 * Leader election by a Lease, with the rules of client-go's leaderelection: others judge the lease by when
 * they saw it change, never by the times in it; the leader stops before the others may begin; writes carry
 * the resourceVersion that was seen, so that of two who try one wins.
 * https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 *
 * Different from there: a candidate wakes up when the lease ends and not up to a retry later, and what counts
 * is the time at which a renewal was sent and not when its answer came.
 */
import type { ObjectName } from '../ir/object-name.ts'
import { ApiError, asError } from './errors.ts'
import type { Leadership } from './leadership.ts'
import { durationOf, heldSpec, holderOf, releasedSpec, signOfLife } from './lease.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import { LEASE, asRawObject, collectionPath, objectPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'
import { realWait } from './wait.ts'
import type { Wait } from './wait.ts'

export interface ElectionClock {
  /** Milliseconds that only grow, also while the process is frozen. */
  readonly monotonic: () => number
  readonly date: () => Date
  readonly wait: Wait
}

export interface ElectionOptions {
  readonly transport: ApiTransport
  readonly log: Logger
  readonly lease: ObjectName
  /** No other replica has the same: the name of our pod. */
  readonly identity: string
  /** How long a lease lasts without a sign of life, in seconds; whole, at least 2. */
  readonly seconds: number
  /** This replica leads from now on, or does not any more. */
  readonly changed: (leading: boolean) => void
  readonly clock?: ElectionClock
}

interface Term {
  /** undefined: it is not known what it is like now. */
  readonly lease: RawObject | undefined
  readonly renewed: number
}

interface Sighting {
  readonly sign: string
  readonly ends: number
}

/** Of the lease. The leader has stopped a third before the others may begin. */
const RENEW_DEADLINE = 2 / 3
const RETRY_PERIOD = 1 / 5
/** As in client-go: candidates that started together do not ask together for ever. */
const JITTER = 0.2

const REAL_CLOCK: ElectionClock = { monotonic: () => performance.now(), date: () => new Date(), wait: realWait }

export class LeaderElection implements Leadership {
  readonly #options: ElectionOptions
  readonly #clock: ElectionClock
  readonly #troubles: TroubleLog
  readonly #renewDeadline: number
  readonly #retryPeriod: number
  readonly #stop = new AbortController()
  #term: Term | undefined
  #termEnd = new AbortController()
  #sighting: Sighting | undefined
  #leaving = false
  #done: Promise<void> | undefined

  constructor(options: ElectionOptions) {
    this.#options = options
    this.#clock = options.clock ?? REAL_CLOCK
    this.#troubles = new TroubleLog(options.log)
    this.#renewDeadline = options.seconds * 1000 * RENEW_DEADLINE
    this.#retryPeriod = options.seconds * 1000 * RETRY_PERIOD
    this.#termEnd.abort()
  }

  isLeading(): boolean {
    return this.#term !== undefined && this.#remaining(this.#term) > 0
  }

  get term(): AbortSignal {
    return this.#termEnd.signal
  }

  /** Becomes a candidate. */
  start(): void {
    this.#done ??= this.#run()
  }

  /** This replica is about to end: it does not become leader any more, but goes on while it is. */
  leave(): void {
    this.#leaving = true
  }

  /** Gives the lease back, so that another replica need not wait for its end. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
    const term = this.isLeading() ? this.#term : undefined
    this.#term = undefined
    this.#settle()
    if (term?.lease === undefined) return
    const spec = releasedSpec(term.lease, this.#clock.date())
    await this.#put(term.lease, spec, this.#retryPeriod).catch((error: unknown) =>
      this.#options.log.warn({ err: asError(error) }, 'the lease could not be given back; it ends by itself'),
    )
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#tryOnce().catch((error: unknown) => this.#report(asError(error)))
      this.#settle()
      await this.#clock.wait(this.#pause(), signal).catch(() => undefined)
    }
  }

  /** Renews or acquires the lease, or finds that it is somebody else's. */
  async #tryOnce(): Promise<void> {
    const term = this.isLeading() ? this.#term : undefined
    const lease = term?.lease ?? (await this.#read())
    if (this.#isFree(lease)) await this.#hold(lease, term)
    else this.#term = undefined
    this.#troubles.clear('lease', 'the lease can be read and written again')
  }

  /** `term`: the present one, undefined when we do not lead yet. */
  async #hold(lease: RawObject | undefined, term: Term | undefined): Promise<void> {
    const sent = this.#clock.monotonic()
    const written = await this.#write(lease, term === undefined ? this.#renewDeadline : this.#remaining(term))
    if (written !== undefined) this.#term = { lease: written, renewed: sent }
    else if (term !== undefined) this.#term = { ...term, lease: undefined }
  }

  /** undefined: there is none. */
  async #read(): Promise<RawObject | undefined> {
    const { transport, lease } = this.#options
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(Math.ceil(this.#renewDeadline))])
    try {
      return asRawObject(await transport.json({ path: objectPath(LEASE, lease.namespace, lease.name), signal }))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  #isFree(lease: RawObject | undefined): boolean {
    if (lease !== undefined && holderOf(lease) === this.#options.identity) return true
    if (this.#leaving) return false
    return lease === undefined || holderOf(lease) === '' || this.#hasEnded(lease)
  }

  /** Seen without a sign of life for as long as its holder promised one. */
  #hasEnded(lease: RawObject): boolean {
    const now = this.#clock.monotonic()
    const sign = signOfLife(lease)
    if (this.#sighting?.sign !== sign) this.#sighting = { sign, ends: now + durationOf(lease) }
    return now >= this.#sighting.ends
  }

  /** The lease as it is now; undefined: somebody was faster. */
  async #write(lease: RawObject | undefined, timeout: number): Promise<RawObject | undefined> {
    const { identity, seconds } = this.#options
    const spec = heldSpec(lease, { identity, seconds }, this.#clock.date())
    try {
      return await (lease === undefined ? this.#create(spec, timeout) : this.#put(lease, spec, timeout))
    } catch (error) {
      // 409: it exists by now, or has another resourceVersion. 404: it was deleted.
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return undefined
      throw error
    }
  }

  #create(spec: object, timeout: number): Promise<RawObject> {
    const { namespace, name } = this.#options.lease
    const { apiVersion, kind } = LEASE
    const body = { apiVersion, kind, metadata: { namespace, name }, spec }
    return this.#send({ method: 'POST', path: collectionPath(LEASE, namespace), body }, timeout)
  }

  #put(lease: RawObject, spec: object, timeout: number): Promise<RawObject> {
    const { namespace, name } = this.#options.lease
    return this.#send({ method: 'PUT', path: objectPath(LEASE, namespace, name), body: { ...lease, spec } }, timeout)
  }

  /** Not given up when we stop: whether it was written decides what can be given back. */
  async #send(request: ApiRequest, timeout: number): Promise<RawObject> {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeout)))
    return asRawObject(await this.#options.transport.json({ ...request, signal }))
  }

  /** Milliseconds for which the term goes on without a renewal. */
  #remaining({ renewed }: Term): number {
    return renewed + this.#renewDeadline - this.#clock.monotonic()
  }

  /** Milliseconds until the next try: at the latest when a term or somebody's lease ends. */
  #pause(): number {
    const retry = this.#retryPeriod * (1 + JITTER * Math.random())
    const now = this.#clock.monotonic()
    const end = this.#term === undefined ? (this.#sighting?.ends ?? now) - now : this.#remaining(this.#term)
    return end > 0 ? Math.min(retry, end) : retry
  }

  /** Tells when leadership has come or gone. */
  #settle(): void {
    const leading = this.isLeading()
    if (leading !== this.#termEnd.signal.aborted) return
    const { log, lease, identity, changed } = this.#options
    if (leading) this.#termEnd = new AbortController()
    else this.#termEnd.abort()
    const what = leading ? 'leading: this replica writes status and Events' : 'not leading any more: this replica writes nothing'
    log.info({ lease: `${lease.namespace}/${lease.name}`, identity }, what)
    changed(leading)
  }

  #report(error: Error): void {
    if (this.#stop.signal.aborted) return
    const denied = error instanceof ApiError && error.status === 403
    const cannot = denied ? 'RBAC does not allow to use' : 'cannot read or write'
    this.#troubles.report('lease', { err: error, lease: this.#options.lease }, `${cannot} the lease of the election; retrying`)
  }
}
