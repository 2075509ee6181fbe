/**
 * Brings OpenResty to the desired state and keeps it there. Two lanes that never wait for each other:
 * records (milliseconds) and configuration (a reload). What OpenResty has is learned from OpenResty,
 * never assumed: after a restart of either side only the difference is sent.
 */
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { requiredClasses } from '../dynamic/records.ts'
import type { LocationClass } from '../policy/effects.ts'
import type { NginxInput } from '../nginx/input.ts'
import { renderConfig, type RenderedConfig } from '../nginx/render.ts'
import type { ConfigResult, ControlClient, DataPlaneStatus } from './client.ts'
import { Lane } from './lane.ts'
import { plan, type Plan } from './plan.ts'

const STATUS_INTERVAL_MS = 1_000
/** A refused configuration is tried again that much later: the reason may be outside of it, as a busy port. */
const REFUSED_AGAIN_MS = 10_000

/** What the translation wants; read at the moment of use, so the newest always wins. */
export interface Desired {
  readonly records: ReadonlyMap<RecordKey, DataRecord>
  /** Keys that changed; the data plane takes them out. */
  readonly changed: Set<RecordKey>
  classes(): readonly LocationClass[]
  /** Everything of the configuration but the classes and the capabilities. */
  config(): Pick<NginxInput, 'settings' | 'listeners'>
}

export interface DataPlaneEvents {
  /** Records or configuration were applied. */
  applied(): void
  /** A record was refused by OpenResty. */
  rejected(key: RecordKey, reason: string): void
  /** A push did not fit, a configuration was refused, or OpenResty cannot be reached. */
  trouble(message: string, details: Readonly<Record<string, unknown>>): void
  /** A configuration was loaded by a reload. */
  reloaded(result: Extract<ConfigResult, { outcome: 'loaded' }>, config: RenderedConfig): void
  pushed(records: number, milliseconds: number): void
}

export class DataPlane {
  readonly #client: ControlClient
  readonly #desired: Desired
  readonly #events: DataPlaneEvents
  readonly #records: Lane
  readonly #config: Lane
  readonly #actual = new Map<RecordKey, string>()
  readonly #rejected = new Map<RecordKey, string>()
  readonly #actualClasses = new Map<RecordKey, readonly string[]>()
  readonly #knownClasses = new Map<string, LocationClass>()
  #pending = new Set<RecordKey>()
  #status: DataPlaneStatus | undefined
  #running: RenderedConfig | undefined
  #rendered: readonly unknown[] = []
  #refused = { hash: '', at: 0 }
  /** The start of OpenResty that has had everything at least once. */
  #completeOf = ''
  #timer: NodeJS.Timeout | undefined
  #started = false

  constructor(client: ControlClient, desired: Desired, events: DataPlaneEvents) {
    this.#client = client
    this.#desired = desired
    this.#events = events
    const onError = (error: unknown): void =>
      events.trouble('OpenResty cannot be reached', { error: error instanceof Error ? error.message : String(error) })
    this.#records = new Lane(() => this.#pushRecords(), onError)
    this.#config = new Lane(() => this.#pushConfig(), onError)
  }

  /** Call it once the first complete state is there. */
  start(): void {
    this.#started = true
    this.#timer = setInterval(() => void this.#watch(), STATUS_INTERVAL_MS)
    this.kick()
  }

  /** The desired state changed. */
  kick(): void {
    if (!this.#started) return
    this.#records.kick()
    this.#config.kick()
  }

  get status(): DataPlaneStatus | undefined {
    return this.#status
  }

  /** OpenResty has exactly the desired record. */
  isApplied(key: RecordKey): boolean {
    const record = this.#desired.records.get(key)
    return this.#actual.get(key) === record?.digest
  }

  /** OpenResty that runs now has a complete revision and our configuration in every worker. */
  get isReady(): boolean {
    const status = this.#status
    if (status === undefined || this.#running?.hash !== status.config_hash) return false
    const current = status.workers.filter((worker) => worker.config_hash === status.config_hash)
    return this.#completeOf === status.instance && current.length >= status.worker_count
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#records.close()
    this.#config.close()
    await this.#client.close()
  }

  async #watch(): Promise<void> {
    try {
      const status = await this.#client.status()
      const known = this.#status
      const restarted = known !== undefined && known.instance !== status.instance
      const foreign = this.#running !== undefined && !status.reloading && this.#running.hash !== status.config_hash
      if (restarted || foreign) this.#forget()
      // A push may be under way: the revision that its answer brings is newer than the one seen here.
      else if (known !== undefined) this.#status = { ...status, revision: known.revision }
      if (this.#isBehind) this.kick()
    } catch {
      // The lanes report it as soon as there is something to send.
      this.#forget()
    }
  }

  get #isBehind(): boolean {
    return this.#pending.size > 0 || this.#running === undefined || this.#refused.hash !== ''
  }

  #forget(): void {
    this.#status = undefined
    this.#running = undefined
  }

  async #pushRecords(): Promise<void> {
    const status = this.#status ?? (await this.#learn())
    for (const key of this.#desired.changed) this.#pending.add(key)
    this.#desired.changed.clear()
    const { set, remove, held } = plan({
      desired: this.#desired.records,
      actual: this.#actual,
      keys: [...this.#pending].filter((key) => this.#rejected.get(key) !== (this.#desired.records.get(key)?.digest ?? '')),
      isLoaded: (name) => this.#running?.classNames.includes(name) === true,
      classesOf: requiredClasses,
    })
    const waiting = new Set(held)
    if (Object.keys(set).length + remove.length > 0 || status.revision === 0) {
      if (!(await this.#send(status, { set, remove }))) return
    }
    this.#pending = waiting
    if (waiting.size === 0) this.#completeOf = status.instance
    this.#events.applied()
  }

  /** True when the push was answered with 200. */
  async #send(status: DataPlaneStatus, { set, remove }: Pick<Plan, 'set' | 'remove'>): Promise<boolean> {
    const started = performance.now()
    const isFirst = status.revision === 0 && this.#actual.size === 0
    const result = isFirst ? await this.#client.replace(set) : await this.#client.patch(status.revision, set, remove)
    if (result.outcome === 'conflict') {
      this.#forget()
      this.#records.kick()
      return false
    }
    if (result.outcome === 'full') {
      const { message, needed, capacity } = result
      this.#events.trouble('OpenResty has no room for the records', { message, needed, capacity })
      return false
    }
    this.#status = { ...status, revision: result.revision }
    for (const [key, record] of Object.entries(set)) this.#settle(key, record, result.rejected[key])
    for (const key of remove) {
      this.#actual.delete(key)
      this.#actualClasses.delete(key)
    }
    this.#events.pushed(Object.keys(set).length + remove.length, performance.now() - started)
    return true
  }

  #settle(key: RecordKey, record: DataRecord, reason: string | undefined): void {
    if (reason !== undefined) {
      this.#rejected.set(key, record.digest)
      this.#events.rejected(key, reason)
      return
    }
    this.#rejected.delete(key)
    this.#actual.set(key, record.digest)
    const classes = requiredClasses(record)
    if (classes.length > 0) this.#actualClasses.set(key, classes)
    else this.#actualClasses.delete(key)
  }

  /** First contact, or OpenResty is not what we knew: read what it has, look at every key again. */
  async #learn(): Promise<DataPlaneStatus> {
    const status = await this.#client.status()
    const { revision, digests } = await this.#client.digests()
    this.#actual.clear()
    this.#rejected.clear()
    for (const [key, digest] of Object.entries(digests)) this.#actual.set(key, digest)
    this.#pending = new Set([...this.#desired.records.keys(), ...this.#actual.keys()])
    this.#status = { ...status, revision }
    const wanted = this.#render(status, this.#classesInUse())
    if (wanted.hash === status.config_hash) this.#running = wanted
    this.#config.kick()
    return this.#status
  }

  async #pushConfig(): Promise<void> {
    const status = this.#status ?? (await this.#learn())
    const classes = this.#classesInUse()
    const input = [this.#desired.config().settings, ...classes.map(({ name }) => name).sort()]
    // Endpoints and ordinary routes change neither: nothing is rendered for them.
    if (this.#running?.hash === status.config_hash && sameItems(input, this.#rendered)) return
    const wanted = this.#render(status, classes)
    const running = this.#running
    if (wanted.hash === status.config_hash) this.#loaded(wanted, input)
    else if (running !== undefined && this.#onlyDropsClasses(status, running)) this.#loaded(running, input)
    else if (wanted.hash !== this.#refused.hash || this.#refused.at < performance.now() - REFUSED_AGAIN_MS) {
      await this.#load(wanted, input)
    }
  }

  async #load(wanted: RenderedConfig, input: readonly unknown[]): Promise<void> {
    const result = await this.#client.config(wanted.text)
    if (result.outcome === 'loaded') {
      const fresh = await this.#client.status()
      this.#status = { ...fresh, revision: this.#status?.revision ?? fresh.revision }
      this.#events.reloaded(result, wanted)
      this.#loaded(wanted, input)
    } else if (result.outcome === 'refused') {
      this.#refused = { hash: wanted.hash, at: performance.now() }
      this.#events.trouble('NGINX refused the configuration; the last good one runs on', { ...result })
    } else {
      throw new Error(`the configuration was not loaded: ${result.message}`)
    }
  }

  #loaded(config: RenderedConfig, input: readonly unknown[]): void {
    this.#running = config
    this.#rendered = input
    this.#refused = { hash: '', at: 0 }
    for (const name of this.#knownClasses.keys()) {
      if (!config.classNames.includes(name)) this.#knownClasses.delete(name)
    }
    this.#records.kick()
    this.#events.applied()
  }

  /** A class that nobody uses any more is no reason to reload: it goes at the next reload that has one. */
  #onlyDropsClasses(status: DataPlaneStatus, running: RenderedConfig): boolean {
    const known = running.classNames.flatMap((name) => this.#knownClasses.get(name) ?? [])
    return this.#render(status, [...this.#desired.classes(), ...known]).hash === status.config_hash
  }

  /** The wanted classes, and those that records in OpenResty still need until they are replaced. */
  #classesInUse(): LocationClass[] {
    const wanted = this.#desired.classes()
    for (const it of wanted) this.#knownClasses.set(it.name, it)
    const stillUsed = [...this.#actualClasses.values()].flat().flatMap((name) => this.#knownClasses.get(name) ?? [])
    return [...wanted, ...stillUsed]
  }

  #render(status: DataPlaneStatus, classes: readonly LocationClass[]): RenderedConfig {
    const unique = new Map(classes.map((it) => [it.name, it]))
    return renderConfig({ ...this.#desired.config(), classes: [...unique.values()], capabilities: status.capabilities })
  }
}

function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i])
}
