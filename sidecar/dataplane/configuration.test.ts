import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../ir/settings.ts'
import { directive, number } from '../syntax/directive.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import type { ConfigResult, DataPlaneStatus } from './client.ts'
import { Configuration, RELOAD_INTERVAL_MS, RELOADS_AT_ONCE } from './configuration.ts'

const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }

function classOf(bytes: number): LocationClass {
  const name = `c${bytes.toString(16).padStart(12, '0')}`
  return { name, directives: [directive('client_max_body_size', number(bytes, 0, 2 ** 30))] }
}

/** OpenResty that loads, or refuses, what it is given; a clock that only the test moves. */
class Rig {
  wanted: LocationClass[] = []
  used: string[] = []
  isRefused = false
  isSilent = false
  loads = 0
  now = 0
  /** What ran before the last load, as it was told. */
  before: string | undefined
  readonly troubles: string[] = []
  status = {
    config_hash: '0', revision: 1,
    capabilities: { http2_directive: true, keepalive_min_timeout: true, headers_more: true, ipv6: true },
  } as unknown as DataPlaneStatus

  readonly configuration = new Configuration({
    client: { config: async (text) => this.#load(text), putFile: async () => {}, status: async () => this.status },
    desired: {
      classes: () => this.wanted,
      file: () => undefined,
      config: () => ({ settings: DEFAULT_SETTINGS, listeners: LISTENERS }),
    },
    events: {
      reloaded: (_result, _loaded, before) => { this.before = before?.hash },
      refused: () => {},
      trouble: (message) => this.troubles.push(message),
    },
    usedClasses: { names: () => this.used },
    now: () => this.now,
  })

  /** Whether another configuration runs afterwards. */
  async push(): Promise<boolean> {
    return (await this.configuration.push(this.status)) !== undefined
  }

  #load(text: string): ConfigResult {
    this.loads += 1
    if (this.isSilent) throw new Error('no answer')
    if (this.isRefused) return { outcome: 'refused', message: 'bind() failed' }
    this.status = { ...this.status, config_hash: /config ([0-9a-f]+)/.exec(text)?.[1] ?? '' }
    return { outcome: 'loaded', generation: this.loads, serving_ms: 1, duration_ms: 1, reloaded: true }
  }
}

test('loads what is wanted once', async () => {
  const rig = new Rig()
  assert.equal(await rig.push(), true)
  assert.ok(rig.configuration.runs(rig.status.config_hash))
  assert.equal(await rig.push(), false)
  assert.equal(rig.loads, 1)
  assert.equal(rig.configuration.isBehind, false)
})

test('a burst of changes is loaded at once, the rest at the pace, and that is said once', async () => {
  const rig = new Rig()
  for (let bytes = 1; bytes <= RELOADS_AT_ONCE + 5; bytes += 1) {
    rig.wanted = [classOf(bytes)]
    await rig.push()
  }
  assert.equal(rig.loads, RELOADS_AT_ONCE)
  assert.deepEqual(rig.troubles, ['the configuration changes too often: the next reload waits'])
  assert.ok(rig.configuration.isBehind)
  rig.now += RELOAD_INTERVAL_MS - 1
  assert.equal(await rig.push(), false)
  rig.now += 1
  assert.equal(await rig.push(), true)
  assert.equal(rig.configuration.isBehind, false)
  assert.equal(rig.loads, RELOADS_AT_ONCE + 1)
})

test('a refused configuration is tried again later, another one at once', async () => {
  const rig = new Rig()
  rig.isRefused = true
  assert.equal(await rig.push(), false)
  assert.equal(await rig.push(), false)
  assert.equal(rig.loads, 1)
  rig.wanted = [classOf(1)]
  await rig.push()
  assert.equal(rig.loads, 2)
  rig.now += 10_000
  rig.isRefused = false
  assert.equal(await rig.push(), true)
})

test('a class that is not wanted any more stays while a record needs it, and is no reason to reload', async () => {
  const rig = new Rig()
  const old = classOf(1)
  rig.wanted = [old]
  await rig.push()
  rig.wanted = []
  rig.used = [old.name]
  assert.equal(await rig.push(), false)
  rig.used = []
  await rig.push()
  assert.equal(rig.loads, 1)
  assert.ok(rig.configuration.hasClass(old.name, rig.status.config_hash))
  rig.wanted = [classOf(2)]
  await rig.push()
  assert.equal(rig.loads, 2)
  assert.equal(rig.configuration.hasClass(old.name, rig.status.config_hash), false)
})

test('a configuration of somebody else is noticed, and one that is already there is taken as it is', async () => {
  const rig = new Rig()
  await rig.push()
  assert.equal(rig.configuration.isForeign('abc'), true)
  rig.configuration.forget()
  assert.equal(rig.configuration.isForeign('abc'), false)
  rig.configuration.recognise(rig.status)
  assert.ok(rig.configuration.runs(rig.status.config_hash))
  assert.equal(rig.loads, 1)
})

test('what ran before is told, also when it is forgotten while the next one is loaded', async () => {
  const rig = new Rig()
  await rig.push()
  const { config_hash: first } = rig.status
  rig.wanted = [classOf(1)]
  const pushed = rig.push()
  rig.configuration.forget()
  assert.equal(await pushed, true)
  assert.equal(rig.before, first)
})

test('a load without an answer may have come: classes that it drops are not used until it is known what runs', async () => {
  const rig = new Rig()
  const [old, next] = [classOf(1), classOf(2)]
  rig.wanted = [old]
  await rig.push()
  rig.wanted = [next]
  rig.isSilent = true
  await assert.rejects(rig.push(), /no answer/)
  assert.equal(rig.configuration.hasClass(old.name, rig.status.config_hash), false)
  rig.configuration.confirm(rig.status.config_hash)
  assert.ok(rig.configuration.hasClass(old.name, rig.status.config_hash))
  assert.equal(rig.configuration.hasClass(next.name, rig.status.config_hash), false)
})
