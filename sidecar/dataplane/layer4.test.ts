/** What becomes of layer 4 where NGINX cannot do it: ports that are taken, modules that are missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../ir/settings.ts'
import type { Layer4 } from '../ir/types.ts'
import type { Capabilities } from '../nginx/input.ts'
import type { ConfigResult, DataPlaneStatus } from './client.ts'
import { BusyPorts } from './busy-ports.ts'
import { Configuration } from './configuration.ts'
import { layer4Findings, type Layer4Use } from './layer4-findings.ts'

const ORIGIN = { kind: 'ConfigMap', namespace: 'ingress', name: 'tcp' }
const BACKEND = { namespace: 'prod', service: 'db', port: '5432' }

function ports(...numbers: readonly number[]): Layer4 {
  const common = { protocol: 'TCP', backend: BACKEND, acceptProxyProtocol: false, sendProxyProtocol: false, endpoints: [] } as const
  return {
    ports: numbers.map((port) => ({ ...common, port, origin: { ...ORIGIN, field: `data[${port}]` } })),
    passthrough: [{ host: 'a.example', backend: BACKEND, endpoints: [], origin: { ...ORIGIN, field: '' } }],
  }
}

const CAPABILITIES: Capabilities = {
  http2_directive: true, keepalive_min_timeout: true, headers_more: true, ipv6: true,
  stream: true, stream_lua: true, stream_realip: true,
}

function findings(change: Partial<Layer4Use>): string[] {
  const use = {
    layer4: ports(9000), settings: DEFAULT_SETTINGS, capabilities: CAPABILITIES,
    busyPorts: new Map<number, string>(), pod: { namespace: 'ingress', name: 'pod' },
  }
  return layer4Findings({ ...use, ...change }).map(({ origin, reason }) => `${origin.kind} ${origin.field} ${reason}`)
}

test('nothing is wrong where everything is there, or nothing is wanted', () => {
  assert.deepEqual(findings({}), [])
  const layer4 = { ports: [], passthrough: [] }
  assert.deepEqual(findings({ layer4, capabilities: { ...CAPABILITIES, stream: false, stream_lua: false } }), [])
})

test('what is missing is said to those whom it concerns', () => {
  const missing = (name: keyof Capabilities): Capabilities => ({ ...CAPABILITIES, [name]: false })
  assert.deepEqual(findings({ capabilities: missing('stream_lua') }), ['Pod  Layer4Reloads'])
  assert.deepEqual(findings({ capabilities: missing('stream') }), ['ConfigMap data[9000] NoLayer4', 'ConfigMap  NoLayer4'])
  const settings = { ...DEFAULT_SETTINGS, useProxyProtocol: true, proxyRealIpCidr: ['10.0.0.0/8'] }
  assert.deepEqual(findings({ capabilities: missing('stream_realip'), settings }), ['ConfigMap  PassthroughRefused'])
  assert.deepEqual(findings({ busyPorts: new Map([[9000, '98']]) }), ['ConfigMap data[9000] PortUnavailable'])
})

test('a refusal is about a port of layer 4 only when it says so', () => {
  const busy = new BusyPorts()
  const layer4 = ports(9000, 9001)
  for (const message of [
    'bind() to 0.0.0.0:80 failed (98: Address already in use)', 'unknown directive "x" in nginx.conf:9000',
    'bind() to unix:https.sock failed (98: Address already in use)',
  ]) assert.equal(busy.blame([message], layer4, 0), false, message)
  assert.equal(busy.without(layer4), layer4)
  assert.ok(busy.blame([
    'bind() to [::]:9001 failed (13: Permission denied)',
    'listen() to 0.0.0.0:9000, backlog 4096 failed (98: Address already in use)',
  ], layer4, 0))
  assert.deepEqual([...busy.reasons], [[9001, '13: Permission denied'], [9000, '98: Address already in use']])
  assert.deepEqual(busy.without(layer4)?.ports, [])
})

interface Rig {
  readonly configuration: Configuration
  readonly clock: { now: number }
  /** Ports that cannot be had. */
  readonly taken: Set<number>
  readonly counts: { loads: number }
  push(): Promise<void>
}

/** A configuration with these ports; NGINX names one port that it cannot have, as it does without permission. */
function rig(...list: readonly number[]): Rig {
  const clock = { now: 0 }
  const taken = new Set<number>()
  const counts = { loads: 0 }
  let status = { config_hash: '0', revision: 1, capabilities: CAPABILITIES } as unknown as DataPlaneStatus
  const load = (text: string): ConfigResult => {
    counts.loads += 1
    const port = list.find((it) => taken.has(it) && text.includes(`:${it} `))
    if (port !== undefined) return { outcome: 'refused', message: `bind() to 0.0.0.0:${port} failed (13: Permission denied)` }
    status = { ...status, config_hash: /config ([0-9a-f]+)/.exec(text)?.[1] ?? '' }
    return { outcome: 'loaded', generation: counts.loads, serving_ms: 1, duration_ms: 1, reloaded: true }
  }
  const layer4 = ports(...list)
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
  const configuration = new Configuration({
    client: { config: async (text) => load(text), putFile: async () => {}, status: async () => status },
    desired: {
      classes: () => [],
      file: () => undefined,
      config: () => ({ settings: DEFAULT_SETTINGS, listeners, layer4 }),
    },
    events: { reloaded: () => {}, refused: () => {}, trouble: () => {} },
    usedClasses: { names: () => [] },
    now: () => clock.now,
  })
  return { configuration, clock, taken, counts, push: async () => void (await configuration.push(status)) }
}

test('a port that is taken costs itself alone, and is tried again', async () => {
  const { configuration, clock, taken, counts, push } = rig(9000, 9001)
  taken.add(9001)
  await push()
  assert.equal(counts.loads, 2)
  assert.deepEqual(['tcp/9000', 'tcp/9001'].map((port) => configuration.listensOn(port)), [true, false])
  await push()
  assert.equal(counts.loads, 2)
  assert.ok(configuration.isBehind)
  clock.now += 60_000
  await push()
  assert.equal(counts.loads, 3)
  clock.now += 60_000
  taken.clear()
  await push()
  assert.ok(configuration.listensOn('tcp/9001'))
  assert.equal(configuration.isBehind, false)
})

test('many ports that nobody can have hold up nobody: the others are there at once, and one in a minute is tried', async () => {
  const { configuration, clock, taken, counts, push } = rig(...Array.from({ length: 101 }, (_, i) => 9000 + i))
  for (let port = 9000; port < 9100; port++) taken.add(port)
  await push()
  assert.ok(configuration.listensOn('tcp/9100'))
  assert.equal(counts.loads, 101)
  for (let second = 0; second < 600; second++) {
    clock.now += 1000
    await push()
  }
  assert.equal(counts.loads, 101 + 10)
  assert.ok(configuration.listensOn('tcp/9100'))
})
