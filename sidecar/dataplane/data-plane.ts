/**
 * Brings OpenResty to the desired state and keeps it there. Two lanes that never wait for each other:
 * records (milliseconds) and configuration (a reload). What OpenResty has is learned from OpenResty,
 * never assumed: after a restart of either side only the difference is sent.
 */
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { requiredClasses } from '../dynamic/records.ts'
import type { OutOfRoom } from './capacity.ts'
import type { ControlClient, DataPlaneStatus } from './client.ts'
import type { DataPlaneEvents, Desired } from './desired.ts'
import { ClassUse } from './class-use.ts'
import { Configuration } from './configuration.ts'
import { Lane } from './lane.ts'
import { plan, urgentPart, type Changes, type Plan } from './plan.ts'

const STATUS_INTERVAL_MS = 1_000
/** Records that do not fit are tried again at every change, which may make room, and this often without one. */
const FULL_AGAIN_MS = 10_000

export class DataPlane {
  readonly #client: ControlClient
  readonly #desired: Desired
  readonly #events: DataPlaneEvents
  readonly #records: Lane
  readonly #reloads: Lane
  readonly #configuration: Configuration
  readonly #actual = new Map<RecordKey, string>()
  readonly #rejected = new Map<RecordKey, string>()
  readonly #usedClasses = new ClassUse()
  #pending = new Set<RecordKey>()
  #learning: Promise<DataPlaneStatus> | undefined
  #status: DataPlaneStatus | undefined
  #full: (OutOfRoom & { readonly at: number }) | undefined
  /** The start of OpenResty that has had everything at least once. */
  #completeOf = ''
  #watching = false
  #timer: NodeJS.Timeout | undefined
  #started = false

  constructor(client: ControlClient, desired: Desired, events: DataPlaneEvents) {
    this.#client = client
    this.#desired = desired
    this.#events = events
    this.#configuration = new Configuration({ client, desired, events, usedClasses: this.#usedClasses })
    const onError = (error: unknown): void =>
      events.trouble('OpenResty cannot be reached', { error: error instanceof Error ? error.message : String(error) })
    this.#records = new Lane(() => this.#pushRecords(), onError)
    this.#reloads = new Lane(() => this.#pushConfiguration(), onError)
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
    this.#reloads.kick()
  }

  get status(): DataPlaneStatus | undefined {
    return this.#status
  }

  /** By port of layer 4: why NGINX cannot listen there. */
  get busyPorts(): ReadonlyMap<number, string> {
    return this.#configuration.busyPorts
  }

  /** NGINX listens on this port of layer 4, such as `tcp/9000`. */
  listensOn(port: string): boolean {
    return this.#configuration.listensOn(port)
  }

  /** Why OpenResty does not have the newest records, while it has no room for them. */
  get outOfRoom(): OutOfRoom | undefined {
    return this.#full
  }

  /** OpenResty has exactly the desired record. */
  isApplied(key: RecordKey): boolean {
    const record = this.#desired.records.get(key)
    return this.#actual.get(key) === record?.digest
  }

  /** OpenResty that runs now has a complete revision and our configuration in every worker. */
  get isReady(): boolean {
    const status = this.#status
    if (status === undefined || !this.#configuration.runs(status.config_hash)) return false
    const current = status.workers.filter((worker) => worker.config_hash === status.config_hash)
    return this.#completeOf === status.instance && current.length >= status.worker_count
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#records.close()
    this.#reloads.close()
    await this.#client.close()
  }

  async #watch(): Promise<void> {
    if (this.#watching) return
    this.#watching = true
    try {
      const status = await this.#client.status()
      const known = this.#status
      this.#configuration.confirm(status.config_hash)
      const restarted = known !== undefined && known.instance !== status.instance
      if (restarted || this.#configuration.isForeign(status.config_hash)) this.#forget()
      // A push may be under way: the revision that its answer brings is newer than the one seen here.
      else if (known !== undefined) this.#status = { ...status, revision: known.revision }
      this.#tellFileTrouble(status, known)
      if (this.#isBehind) this.kick()
    } catch {
      // The lanes report it as soon as there is something to send.
      this.#forget()
    } finally {
      this.#watching = false
    }
  }

  /** OpenResty serves all the same, but would not find the newest records again at its next start. */
  #tellFileTrouble({ record_file: { trouble } }: DataPlaneStatus, known: DataPlaneStatus | undefined): void {
    if (trouble === undefined || trouble === known?.record_file.trouble) return
    this.#events.trouble('OpenResty cannot keep the records on disk; it tries again', { trouble })
  }

  get #isBehind(): boolean {
    const mayFit = this.#full === undefined || this.#full.at < performance.now() - FULL_AGAIN_MS
    return (this.#pending.size > 0 && mayFit) || this.#configuration.isBehind
  }

  #forget(): void {
    this.#status = undefined
    this.#configuration.forget()
  }

  async #pushRecords(): Promise<void> {
    const status = this.#status ?? (await this.#learn())
    const keys = new Set([...this.#pending, ...this.#desired.changed])
    this.#desired.changed.clear()
    this.#pending = new Set()
    const { set, remove, held } = this.#plan(keys, status)
    // What is not sent now stays pending, also beside what a new start of OpenResty may have added meanwhile.
    let unsent: Iterable<RecordKey> = keys
    try {
      const isNeeded = Object.keys(set).length + remove.length > 0 || status.revision === 0
      if (isNeeded && !(await this.#send(status, { set, remove }))) return
      unsent = held
    } finally {
      for (const key of unsent) this.#pending.add(key)
    }
    this.#full = undefined
    if (this.#pending.size === 0) this.#completeOf = status.instance
    this.#events.applied()
  }

  #plan(keys: ReadonlySet<RecordKey>, { config_hash: running }: DataPlaneStatus): Plan {
    const isRefused = (key: RecordKey): boolean => {
      const digest = this.#rejected.get(key)
      return digest !== undefined && digest === this.#desired.records.get(key)?.digest
    }
    return plan({
      desired: this.#desired.records,
      actual: this.#actual,
      keys: [...keys].filter((key) => !isRefused(key)),
      isLoaded: (name) => this.#configuration.hasClass(name, running),
      classesOf: requiredClasses,
    })
  }

  /** True when the push was answered with 200. */
  async #send(status: DataPlaneStatus, changes: Changes): Promise<boolean> {
    const started = performance.now()
    const { set, remove } = changes
    const isFirst = status.revision === 0 && this.#actual.size === 0
    // A configuration that is rendered meanwhile must have what this needs.
    for (const [key, record] of Object.entries(set)) this.#usedClasses.expect(key, requiredClasses(record))
    const result = isFirst ? await this.#client.replace(set) : await this.#client.patch(status.revision, set, remove)
    if (result.outcome === 'conflict') this.#forget()
    if (result.outcome === 'full') return await this.#sendUrgentPart(status, changes, result)
    // Forgotten, or another start of OpenResty was met meanwhile: what it has is to be learned.
    if (result.outcome === 'conflict' || this.#status?.instance !== status.instance) {
      this.#records.kick()
      return false
    }
    // A configuration may have been loaded since the push was planned.
    this.#status = { ...this.#status, revision: result.revision }
    this.#settleAll(changes, result.rejected)
    this.#events.pushed(Object.keys(set).length + remove.length, performance.now() - started)
    return true
  }

  /** What was left out is tried again with the room that this makes. */
  async #sendUrgentPart(status: DataPlaneStatus, changes: Changes, room: OutOfRoom): Promise<false> {
    const urgent = urgentPart(changes, this.#actual)
    if (urgent === undefined) this.#tellOutOfRoom(room)
    else if (await this.#send(status, urgent)) this.#records.kick()
    return false
  }

  #settleAll({ set, remove }: Changes, rejected: Readonly<Record<RecordKey, string>>): void {
    for (const [key, record] of Object.entries(set)) this.#settle(key, record, rejected[key])
    for (const key of remove) {
      this.#actual.delete(key)
      this.#usedClasses.set(key, [])
    }
  }

  #tellOutOfRoom({ needed, capacity }: OutOfRoom): void {
    this.#full = { needed, capacity, at: performance.now() }
    this.#events.outOfRoom()
  }

  #settle(key: RecordKey, record: DataRecord, reason: string | undefined): void {
    if (reason !== undefined) {
      this.#rejected.set(key, record.digest)
      this.#events.rejected(key, reason)
      return
    }
    this.#rejected.delete(key)
    this.#actual.set(key, record.digest)
    this.#usedClasses.set(key, requiredClasses(record))
  }

  /** First contact, or OpenResty is not what we knew: read what it has, look at every key again. */
  #learn(): Promise<DataPlaneStatus> {
    this.#learning ??= this.#readAll().finally(() => (this.#learning = undefined))
    return this.#learning
  }

  async #readAll(): Promise<DataPlaneStatus> {
    const status = await this.#client.status()
    const { revision, digests } = await this.#client.digests()
    this.#rejected.clear()
    for (const key of this.#actual.keys()) if (!(key in digests)) this.#usedClasses.set(key, [])
    this.#actual.clear()
    for (const [key, digest] of Object.entries(digests)) {
      const record = this.#desired.records.get(key)
      this.#actual.set(key, digest)
      // What any other one needs is what was known of it, if anything was.
      if (record?.digest === digest) this.#usedClasses.set(key, requiredClasses(record))
    }
    this.#pending = new Set([...this.#desired.records.keys(), ...this.#actual.keys()])
    this.#status = { ...status, revision }
    this.#configuration.recognise(status)
    this.#reloads.kick()
    return this.#status
  }

  async #pushConfiguration(): Promise<void> {
    const status = this.#status ?? (await this.#learn())
    const loaded = await this.#configuration.push(status)
    if (loaded === undefined) return
    // Another start of OpenResty has it: what records that has is to be learned.
    if (loaded.instance !== this.#status?.instance) this.#status = undefined
    // Records may have been pushed since it was asked for.
    else this.#status = { ...loaded, revision: this.#status.revision }
    this.#records.kick()
    this.#events.applied()
  }
}
