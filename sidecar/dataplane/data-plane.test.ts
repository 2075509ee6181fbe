/** Both lanes of the data plane against a model of OpenResty that takes and answers in any order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { requiredClasses } from '../dynamic/records.ts'
import { DEFAULT_SETTINGS } from '../ir/settings.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import { directive, number } from '../syntax/directive.ts'
import { fc } from '../testing/property.ts'
import type { ControlClient, ConfigResult, DataPlaneStatus, PushResult, RecordSet } from './client.ts'
import { DataPlane } from './data-plane.ts'

const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }
const HOSTS = 2
const RUNS = Number(process.env.PROPERTY_RUNS ?? 300)

interface Change {
  readonly host: number
  readonly size: number
}

/** Others than changes make the next push a conflict: all is learned anew. */
type Event = Change | 'somebody else' | 'OpenResty starts again'

function classOf(size: number): LocationClass {
  return { name: `c${size}`, directives: [directive('client_max_body_size', number(size, 0, 100))] }
}

function recordOf(size: number): DataRecord {
  return { digest: String(size), routes: [{ class: classOf(size).name }] } as unknown as DataRecord
}

function sizesOf(records: ReadonlyMap<RecordKey, DataRecord>): string[] {
  return [...records.values()].map(({ digest }) => digest)
}

/** An OpenResty that takes what it is sent at any step after that, and answers at any later one. */
class Model {
  readonly records = new Map<RecordKey, DataRecord>()
  classes: ReadonlySet<string> = new Set()
  readonly #scheduler: fc.Scheduler
  #hash = 'of somebody else'
  #instance = 1
  #revision = 0
  #generation = 0

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler
  }

  /** Those routes that no worker of a new generation could serve. */
  get broken(): string[] {
    if (this.#hash === '0') return []
    const isWhole = (record: DataRecord): boolean => requiredClasses(record).every((name) => this.classes.has(name))
    return [...this.records].filter(([, record]) => !isWhole(record)).map(([key]) => key)
  }

  get client(): ControlClient {
    const answers = {
      status: () => this.#take('status', () => this.#status()),
      digests: () => this.#take('digests', () => ({ revision: this.#revision, digests: this.#digests() })),
      replace: (set: RecordSet) => this.#take('replace', () => this.#apply(set, [...this.records.keys()])),
      patch: (base: number, set: RecordSet, gone: readonly RecordKey[]) => this.#take('patch', () => this.#apply(set, gone, base)),
      config: (text: string) => this.#take('config', () => this.#load(text)),
      close: async () => {},
    }
    return answers as unknown as ControlClient
  }

  async #take<T>(name: string, effect: () => T): Promise<T> {
    await this.#scheduler.schedule(Promise.resolve(), `${name} arrives`)
    const answer = effect()
    assert.deepEqual(this.broken, [], `after ${name}`)
    await this.#scheduler.schedule(Promise.resolve(), `answer to ${name}`)
    return answer
  }

  disturb(): void {
    this.#revision += 1
  }

  /** With the configuration that serves nobody, and no records. */
  restart(): void {
    this.#instance += 1
    this.#hash = '0'
    this.#revision = 0
    this.classes = new Set()
    this.records.clear()
  }

  #digests(): Readonly<Record<RecordKey, string>> {
    return Object.fromEntries([...this.records].map(([key, { digest }]) => [key, digest]))
  }

  #apply(set: RecordSet, gone: readonly RecordKey[], base = this.#revision): PushResult {
    if (base !== this.#revision) return { outcome: 'conflict', revision: this.#revision }
    for (const key of gone) this.records.delete(key)
    for (const [key, record] of Object.entries(set)) this.records.set(key, record)
    this.#revision += 1
    return { outcome: 'applied', revision: this.#revision, rejected: {} }
  }

  #load(text: string): ConfigResult {
    this.#generation += 1
    this.#hash = /config ([0-9a-f]+)/.exec(text)?.[1] ?? ''
    this.classes = new Set([...text.matchAll(/location @(c\d+) /g)].map(([, name = '']) => name))
    return { outcome: 'loaded', generation: this.#generation, serving_ms: 1, duration_ms: 1, reloaded: true }
  }

  #status(): DataPlaneStatus {
    return {
      instance: String(this.#instance), generation: this.#generation, config_hash: this.#hash, revision: this.#revision,
      workers: [], worker_count: 0, capabilities: {}, record_file: { size: 0 },
    } as unknown as DataPlaneStatus
  }
}

/** What is wanted, and a data plane that brings it to the model. */
class Rig {
  readonly model: Model
  readonly wanted = new Map<RecordKey, DataRecord>()
  readonly troubles: string[] = []
  readonly #changed = new Set<RecordKey>()
  readonly #dataPlane: DataPlane

  constructor(scheduler: fc.Scheduler) {
    this.model = new Model(scheduler)
    const none = (): void => {}
    const desired = {
      records: this.wanted, changed: this.#changed, file: () => undefined,
      classes: () => [...new Set(sizesOf(this.wanted))].map((size) => classOf(Number(size))),
      config: () => ({ settings: DEFAULT_SETTINGS, listeners: LISTENERS }),
    }
    this.#dataPlane = new DataPlane(this.model.client, desired, {
      applied: none, rejected: none, refused: none, outOfRoom: none, reloaded: none, pushed: none,
      trouble: (message, details) => this.troubles.push(`${message} ${JSON.stringify(details)}`),
    })
    this.#dataPlane.start()
  }

  take(it: Event): void {
    if (it === 'somebody else') this.model.disturb()
    else if (it === 'OpenResty starts again') this.model.restart()
    else this.#change(it)
  }

  #change({ host, size }: Change): void {
    const key = `host/default/${host}.example`
    if (size === 0) this.wanted.delete(key)
    else this.wanted.set(key, recordOf(size))
    this.#changed.add(key)
    this.#dataPlane.kick()
  }

  async close(): Promise<void> {
    await this.#dataPlane.close()
  }
}

const change: fc.Arbitrary<Event> = fc.record({
  host: fc.integer({ min: 1, max: HOSTS }),
  // 0: the host goes.
  size: fc.integer({ min: 0, max: 3 }),
})

const others: readonly Event[] = ['somebody else', 'OpenResty starts again']
const event = fc.oneof({ weight: 6, arbitrary: change }, fc.constantFrom(...others))

test('whatever comes in between, no record is there without its class, and all arrive', async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), fc.array(event, { maxLength: 10 }), async (scheduler, events) => {
    const rig = new Rig(scheduler)
    try {
      const all = scheduler.scheduleSequence(events.map((it, index) => ({
        label: `${index}: ${JSON.stringify(it)}`, builder: async () => { rig.take(it) },
      })))
      await scheduler.waitFor(all.task)
      await scheduler.waitIdle()
      // A push that is one for sure meets what OpenResty has become; otherwise the status of each second does.
      rig.take({ host: 1, size: 4 })
      await scheduler.waitIdle()
      assert.deepEqual(rig.troubles, [])
      assert.deepEqual(rig.model.records, rig.wanted)
    } finally {
      await rig.close()
    }
  }), { numRuns: RUNS })
})
