/**
 * Findings as Events of core/v1, which `kubectl describe` shows on the object, with count and age; written
 * while this replica leads.
 * Invariants: one Event for each (object, reason, message); its count grows only when the finding comes
 * back after having been gone; each Event is written at most once a minute, all together a few per second; an
 * object has only so many (event-budget.ts).
 */
import { createHash } from 'node:crypto'
import type { Finding } from '../ir/origin.ts'
import { ApiError, asError } from './errors.ts'
import { EventBudget } from './event-budget.ts'
import { eventBody, eventName, eventNamespace, seconds } from './event-body.ts'
import type { LeaderApi } from './leadership.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import { EVENT, collectionPath, objectPath } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiRequest } from './transport.ts'
import { realWait } from './wait.ts'

export interface EventTiming extends RetryTiming {
  /** Milliseconds between two writes. */
  readonly spacing: number
  /** Milliseconds between two writes of one Event. */
  readonly rest: number
}

export interface EventClock {
  readonly date: () => Date
  /** Milliseconds that only grow. */
  readonly monotonic: () => number
}

export interface EventWriterOptions {
  readonly api: LeaderApi
  readonly log: Logger
  /** Who reports: the name of our pod. */
  readonly instance: string
  readonly clock?: EventClock
  readonly timing?: Partial<EventTiming>
}

interface Entry {
  readonly finding: Finding
  readonly first: Date
  last: Date
  /** How often the finding has come up. */
  count: number
  present: boolean
  created: boolean
  resting: boolean
  /** Its object has had so many that this one is not written. */
  readonly silent: boolean
}

const REAL_CLOCK: EventClock = { date: () => new Date(), monotonic: () => performance.now() }
const DEFAULT_TIMING: EventTiming = {
  spacing: 50,
  rest: 60_000,
  backoffMin: 500,
  backoffMax: 30_000,
  wait: realWait,
}
/** After that many tries, about four minutes, the trouble is this very Event. */
const RETRIES = 10
/** Findings that are gone and remembered, to count their return. */
const MAX_GONE = 4096

export class EventWriter {
  readonly #options: EventWriterOptions
  readonly #timing: EventTiming
  readonly #troubles: TroubleLog
  readonly #entries = new Map<string, Entry>()
  readonly #budget = new EventBudget()
  /** What differs from its Event; written in this order. */
  readonly #dirty = new Set<string>()
  readonly #stop = new AbortController()
  #working: Promise<void> | undefined

  constructor(options: EventWriterOptions) {
    this.#options = options
    this.#timing = { ...DEFAULT_TIMING, ...options.timing }
    this.#troubles = new TroubleLog(options.log)
  }

  /** Takes the complete current set of findings; returns at once. */
  report(findings: readonly Finding[]): void {
    const current = new Map(findings.map((finding) => [identityOf(finding), finding]))
    for (const [id, entry] of this.#entries) {
      if (entry.present && !current.has(id)) this.#markGone(id, entry)
    }
    for (const [id, finding] of current) this.#markPresent(id, finding)
    this.#forgetOldest()
    this.#work()
  }

  /** This replica leads from now on: what is wrong now becomes Events, or goes on with those that are there. */
  resume(): void {
    for (const [id, entry] of this.#entries) {
      // The leaders before us have counted on.
      entry.created = false
      if (entry.present && !entry.silent) this.#dirty.add(id)
    }
    this.#work()
  }

  /** Resolves when everything that may be written now has been written. */
  async idle(): Promise<void> {
    await this.#working
  }

  /** Gives up what is not written yet. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#working
  }

  #markPresent(id: string, finding: Finding): void {
    const entry = this.#entries.get(id)
    if (entry?.present) return
    const { date, monotonic } = this.#options.clock ?? REAL_CLOCK
    const now = date()
    if (entry === undefined) {
      const silent = !this.#budget.take(finding.origin, monotonic())
      const state = { count: 1, present: true, created: false, resting: false, silent }
      this.#entries.set(id, { finding, first: now, last: now, ...state })
      if (silent) return
    } else {
      entry.present = true
      entry.last = now
      entry.count++
      if (entry.silent) return
    }
    this.#dirty.add(id)
  }

  #markGone(id: string, entry: Entry): void {
    entry.present = false
    // Last in the map: the longest gone come first.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
  }

  #forgetOldest(): void {
    const gone = [...this.#entries].filter(([id, entry]) => !entry.present && !this.#dirty.has(id))
    for (const [id] of gone.slice(0, Math.max(0, gone.length - MAX_GONE))) this.#entries.delete(id)
  }

  #work(): void {
    if (!this.#options.api.isLeading()) this.#dirty.clear()
    this.#working ??= this.#writeAll().finally(() => {
      this.#working = undefined
      // What came after its last look.
      if (!this.#stop.signal.aborted && this.#next() !== undefined) this.#work()
    })
  }

  async #writeAll(): Promise<void> {
    const { signal } = this.#stop
    for (let id = this.#next(); id !== undefined && !signal.aborted; id = this.#next()) {
      this.#dirty.delete(id)
      const entry = this.#entries.get(id)
      if (entry === undefined) continue
      this.#rest(entry)
      await this.#write(id, entry)
      await this.#timing.wait(this.#timing.spacing, signal).catch(() => undefined)
    }
  }

  #next(): string | undefined {
    for (const id of this.#dirty) {
      if (!this.#entries.get(id)?.resting) return id
    }
    return undefined
  }

  #rest(entry: Entry): void {
    entry.resting = true
    const over = (): void => {
      entry.resting = false
      this.#work()
    }
    void this.#timing.wait(this.#timing.rest, this.#stop.signal).then(over, () => undefined)
  }

  /** Never rejects: an Event that cannot be written is said in the log, and the next one has its turn. */
  async #write(id: string, entry: Entry): Promise<void> {
    const { signal } = this.#stop
    const namespace = eventNamespace(entry.finding)
    try {
      await retrying(() => this.#put(id, entry), {
        timing: this.#timing,
        signal,
        retries: RETRIES,
        shouldRetry: (error) => this.#options.api.isLeading() && (!(error instanceof ApiError) || isPassing(error)),
      })
      this.#troubles.clear(namespace, `Events can be written again in namespace ${namespace}`)
    } catch (error) {
      if (signal.aborted || !this.#options.api.isLeading()) return
      const fields = { err: asError(error), origin: entry.finding.origin }
      this.#troubles.report(namespace, fields, `an Event could not be written in namespace ${namespace}`)
    }
  }

  async #put(id: string, entry: Entry): Promise<void> {
    if (entry.created && (await this.#update(id, entry))) return
    entry.created = await this.#create(id, entry)
    if (!entry.created) await this.#adopt(id, entry)
  }

  /** false: it exists already, from an earlier run of ours. */
  async #create(id: string, entry: Entry): Promise<boolean> {
    const { instance } = this.#options
    const body = eventBody(entry.finding, { ...entry, instance, name: eventName(entry.finding, id) })
    const path = collectionPath(EVENT, eventNamespace(entry.finding))
    const request: ApiRequest = { method: 'POST', path, body }
    return (await this.#send(request, ({ reason }) => reason === 'AlreadyExists')) !== undefined
  }

  /** The finding of the earlier run goes on, and its count with it, which the answer to a patch tells. */
  async #adopt(id: string, entry: Entry): Promise<void> {
    const answer = await this.#patch(id, entry, { lastTimestamp: seconds(entry.last) })
    if (answer === undefined) throw new Error('an Event that exists cannot be found')
    if (typeof answer.count === 'number') entry.count = Math.max(entry.count, answer.count)
    entry.created = true
    if (entry.count !== answer.count) await this.#update(id, entry)
  }

  /** false: it is gone. Events live an hour. */
  async #update(id: string, entry: Entry): Promise<boolean> {
    const body = { count: entry.count, lastTimestamp: seconds(entry.last) }
    return (await this.#patch(id, entry, body)) !== undefined
  }

  #patch(id: string, { finding }: Entry, body: object): Promise<RawEvent | undefined> {
    const path = objectPath(EVENT, eventNamespace(finding), eventName(finding, id))
    const contentType = 'application/merge-patch+json'
    return this.#send({ method: 'PATCH', path, contentType, body }, (error) => error.status === 404)
  }

  /** The object as it is now; undefined: the expected refusal. */
  async #send(request: ApiRequest, expected: (error: ApiError) => boolean): Promise<RawEvent | undefined> {
    try {
      return (await this.#options.api.json({ ...request, signal: this.#stop.signal })) as RawEvent
    } catch (error) {
      if (error instanceof ApiError && expected(error)) return undefined
      throw error
    }
  }
}

interface RawEvent {
  readonly count?: unknown
}

function identityOf({ origin, reason, message }: Finding): string {
  const parts = [origin.kind, origin.namespace, origin.name, origin.uid ?? '', origin.field, reason, message]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/** Worth another try: overload, credentials in rotation, a server in trouble. */
function isPassing({ unreachable, status }: ApiError): boolean {
  return unreachable || status === 401 || status === 429 || status >= 500
}
