/**
 * Writes `status.loadBalancer.ingress` of Ingresses.
 * Invariants: only an Ingress that is desired, that has been seen with that uid, and whose addresses differ
 * is written; the write carries the resourceVersion that was seen, so that an Ingress which has changed
 * since (and may belong to someone else now) is refused by the server and looked at again.
 */
import { objectKey, objectName } from '../ir/object-name.ts'
import { canonical, loadBalancerAddresses, sameAddresses } from './address.ts'
import type { Address } from './address.ts'
import { ApiError } from './errors.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import type { ReflectorSink } from './reflector.ts'
import { INGRESS, asRawObject, objectPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import { Slots } from '../util/slots.ts'
import type { ApiRequest, ApiTransport } from './transport.ts'
import { realWait } from './wait.ts'

export interface DesiredStatus {
  readonly uid: string
  readonly addresses: readonly Address[]
}

/** Milliseconds. */
export interface StatusTiming extends RetryTiming {
  /**
   * After a write an Ingress rests that long before a change by someone else is written over: two
   * controllers that disagree must not fight at full speed. ingress-nginx looks as often.
   */
  readonly rest: number
}

export interface StatusWriterOptions {
  readonly transport: ApiTransport
  readonly log: Logger
  readonly timing?: Partial<StatusTiming>
}

interface Observed {
  readonly uid: string
  readonly resourceVersion: string
  readonly addresses: readonly Address[]
}

interface Entry {
  desired?: DesiredStatus | undefined
  observed?: Observed | undefined
  /** What was written last, while it rests. */
  resting?: DesiredStatus | undefined
  busy: boolean
}

const DEFAULT_TIMING: StatusTiming = { backoffMin: 500, backoffMax: 60_000, rest: 60_000, wait: realWait }
const CONCURRENT_WRITES = 8
/** What fails for one Ingress and will fail for all: said once, not ten thousand times. */
const COMMON_TROUBLE = 'all'

export class StatusWriter {
  /** To be fed with every Ingress, status included. */
  readonly observer: ReflectorSink<RawObject>
  readonly #transport: ApiTransport
  readonly #timing: StatusTiming
  readonly #troubles: TroubleLog
  readonly #entries = new Map<string, Entry>()
  readonly #slots = new Slots(CONCURRENT_WRITES)
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor({ transport, log, timing }: StatusWriterOptions) {
    this.#transport = transport
    this.#timing = { ...DEFAULT_TIMING, ...timing }
    this.#troubles = new TroubleLog(log)
    this.observer = {
      replace: (ingresses) => this.#observeAll(ingresses),
      set: (ingress) => this.#observe(ingress),
      delete: ({ metadata }) => this.#observeGone(objectKey(metadata)),
    }
  }

  /** From now on the Ingress `namespace/name` with that uid shall have these addresses. The latest wins. */
  desire(key: string, { uid, addresses }: DesiredStatus): void {
    const entry = this.#entry(key)
    if (entry.desired?.uid === uid && sameAddresses(entry.desired.addresses, addresses)) return
    entry.desired = { uid, addresses: canonical(addresses) }
    this.#consider(key, entry)
  }

  /** The Ingress is not ours any more: its status is left as it is. */
  forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.desired = undefined
    this.#dropIfEmpty(key, entry)
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

  #observeAll(ingresses: readonly RawObject[]): void {
    const seen = new Set(ingresses.map(({ metadata }) => objectKey(metadata)))
    for (const key of [...this.#entries.keys()].filter((each) => !seen.has(each))) this.#observeGone(key)
    for (const ingress of ingresses) this.#observe(ingress)
  }

  #observe(ingress: RawObject): void {
    const key = objectKey(ingress.metadata)
    const entry = this.#entry(key)
    entry.observed = observedOf(ingress)
    this.#consider(key, entry)
  }

  #observeGone(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.observed = undefined
    this.#dropIfEmpty(key, entry)
  }

  #entry(key: string): Entry {
    const entry = this.#entries.get(key) ?? { busy: false }
    this.#entries.set(key, entry)
    return entry
  }

  #dropIfEmpty(key: string, entry: Entry): void {
    if (!entry.busy && entry.desired === undefined && entry.observed === undefined) this.#entries.delete(key)
  }

  #consider(key: string, entry: Entry): void {
    if (entry.busy || this.#stop.signal.aborted || !needsWrite(entry)) return
    entry.busy = true
    const work = this.#settle(key, entry).finally(() => {
      this.#running.delete(work)
      entry.busy = false
      this.#consider(key, entry)
      this.#dropIfEmpty(key, entry)
    })
    this.#running.add(work)
  }

  /** Tries until there is nothing to do for this Ingress. Never rejects. */
  async #settle(key: string, entry: Entry): Promise<void> {
    const { signal } = this.#stop
    await retrying(() => this.#slots.run(() => this.#write(key, entry)), {
      timing: this.#timing,
      signal,
      failed: (error) => this.#report(key, error, 'cannot write the status of an Ingress; retrying'),
    }).catch((error: unknown) => {
      if (!signal.aborted) this.#report(key, error, 'gave up the status of an Ingress')
    })
  }

  #report(key: string, error: unknown, message: string): void {
    const common = error instanceof ApiError && (error.unreachable || error.status === 403)
    this.#troubles.report(common ? COMMON_TROUBLE : key, { ingress: key, err: error }, message)
  }

  async #write(key: string, entry: Entry): Promise<void> {
    // Looked at again at each try: the wish may have changed or gone while this one waited.
    const { desired, observed } = entry
    if (desired === undefined || observed === undefined || !needsWrite(entry)) return
    const written = await this.#patch(key, desired, observed)
    // undefined: what we saw is old. The watch brings the newer one, unless it already has.
    if (entry.observed === observed) entry.observed = written
    if (written === undefined) return
    for (const trouble of [COMMON_TROUBLE, key]) {
      this.#troubles.clear(trouble, 'the status of an Ingress can be written again')
    }
    this.#rest(key, entry, desired)
  }

  /** The Ingress as it is now; undefined: refused, because it is not what was observed any more. */
  async #patch(key: string, desired: DesiredStatus, observed: Observed): Promise<Observed | undefined> {
    const { namespace, name } = objectName(key)
    const request: ApiRequest = {
      method: 'PATCH',
      path: `${objectPath(INGRESS, namespace, name)}/status`,
      contentType: 'application/merge-patch+json',
      body: {
        metadata: { uid: desired.uid, resourceVersion: observed.resourceVersion },
        status: { loadBalancer: { ingress: desired.addresses } },
      },
      signal: this.#stop.signal,
    }
    try {
      return observedOf(asRawObject(await this.#transport.json(request)))
    } catch (error) {
      if (!(error instanceof ApiError && isOutdated(error))) throw error
      if (error.status === 422) this.#report(key, error, 'the status of an Ingress was refused')
      return undefined
    }
  }

  #rest(key: string, entry: Entry, written: DesiredStatus): void {
    entry.resting = written
    const over = (): void => {
      if (entry.resting === written) entry.resting = undefined
      this.#consider(key, entry)
    }
    void this.#timing.wait(this.#timing.rest, this.#stop.signal).then(over, () => undefined)
  }
}

function needsWrite({ desired, observed, resting }: Entry): boolean {
  if (desired === undefined || observed === undefined || desired === resting) return false
  return desired.uid === observed.uid && !sameAddresses(desired.addresses, observed.addresses)
}

/** 404: deleted. 409: another resourceVersion. 422: another uid, which a patch may not change. */
function isOutdated({ status }: ApiError): boolean {
  return status === 404 || status === 409 || status === 422
}

function observedOf({ metadata, ...rest }: RawObject): Observed {
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    addresses: loadBalancerAddresses(rest['status']),
  }
}
