/** Invariants of layer 4 under generated objects: nothing injects, nothing depends on the order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind, KubeObject } from '../collection/objects.ts'
import { assertContract } from '../testing/contract.ts'
import { GOLDEN_OPTIONS, shuffled } from '../testing/inputs.ts'
import { fc } from '../testing/property.ts'
import { CURRENT_CAPABILITIES, translate, type Translation } from '../translate.ts'
import { Pipeline, type PipelineOptions } from './pipeline.ts'

const OPTIONS: PipelineOptions = {
  ...GOLDEN_OPTIONS,
  tcpServices: 'ns/tcp', udpServices: 'ns/udp', sslPassthrough: true, watchIngressWithoutClass: true,
}
const RUNS = { numRuns: 300 }

function object(kind: Kind, name: string, rest: object): KubeObject {
  const { metadata, ...others } = rest as { readonly metadata?: object }
  return { apiVersion: 'v1', kind, ...others, metadata: { namespace: 'ns', name, ...metadata } }
}

function service(name: string, protocol: unknown): KubeObject {
  return object('Service', name, { spec: { ports: [{ name: 'main', port: 80, protocol }] } })
}

function slice(name: string, addresses: readonly unknown[], protocol: unknown): KubeObject {
  return object('EndpointSlice', `${name}-1`, {
    metadata: { labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'main', port: 8080, protocol }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  })
}

function ingress(name: string, host: unknown, passes: string): KubeObject {
  const path = { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }
  return object('Ingress', name, {
    metadata: { annotations: { 'resty-ingress.io/ssl-passthrough': passes } },
    spec: { rules: [{ host, http: { paths: [path] } }] },
  })
}

const nasty = fc.oneof(
  fc.string({ unit: fc.constantFrom(...';{}$"\'\\#\n\r\0 /:*.a0é'), maxLength: 60 }),
  fc.constantFrom('ns/web:80; }', 'ns/web:80 ', '$host', '9000; listen 1', '${x}', '__proto__', 'ns/web:80:PROXY;'),
)

function translated(objects: readonly KubeObject[], lua: boolean): Translation {
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443, sslPassthrough: true }
  return translate({ objects, options: OPTIONS, listeners, capabilities: { ...CURRENT_CAPABILITIES, stream_lua: lua } })
}

/** Every line that the block may have; what is between braces is made of tokens that hold nothing else. */
const TOKEN = '[A-Za-z0-9_./:*=$-]+|\\[[0-9a-f:]+\\]:[0-9]+|"~\\^\\[\\^\\.\\]\\+\\(\\?:\\[\\.\\]\\[\\^\\.\\]\\+\\)\\{[0-9]+\\}\\$"'
const LINE = new RegExp(`^ *(?:(?:${TOKEN})(?: (?:${TOKEN}))*(?:;| \\{)|map [$\\w". ]+ [$\\w]+ \\{(?: [\\w ]+;)+ \\}|map "" .*|log_format stream '[^']*';|\\}|#.*|)$`)
const LUA = /^ *\w+_by_lua_block \{ .* \}$/

function streamLines(config: string): string[] {
  return config.slice(config.indexOf('\nstream {')).split('\n')
}

test('no text of an object becomes syntax, and a neighbour keeps its port', () => {
  const good = [service('web', 'TCP'), slice('web', ['198.18.1.4'], 'TCP')]
  const data = fc.dictionary(fc.oneof(nasty, fc.constantFrom('9000', '80', '53')), fc.oneof(nasty, fc.constant('ns/web:80')))
  fc.assert(fc.property(data, nasty, nasty, fc.boolean(), (entries, host, passes, lua) => {
    const { config, records, findings } = translated([
      ...good,
      object('ConfigMap', 'tcp', { data: { ...entries, 5432: 'ns/web:80' } }),
      object('ConfigMap', 'udp', { data: entries }),
      ingress('hostile', host, passes),
      ingress('good', '*.good.example', 'true'),
    ], lua)
    assertContract(records)
    for (const line of streamLines(config)) assert.ok(LINE.test(line) || LUA.test(line), line)
    assert.match(config, /listen 0\.0\.0\.0:5432 backlog=4096;\n/)
    if (!lua) assert.match(config, /upstream tcp_5432 \{\n {8}server 198\.18\.1\.4:8080;\n {4}\}/)
    for (const { origin, message } of findings) assert.ok(origin.field.length < 200 && message.length < 600)
  }), RUNS)
})

const name = fc.constantFrom('web', 'db')
const protocol = fc.constantFrom('TCP', 'UDP')
const addresses = fc.array(fc.constantFrom('198.18.1.1', '198.18.1.2', '127.0.0.1'))
const port = fc.constantFrom('9000', '9001', '80', 'x')
const target = fc.constantFrom('ns/web:80', 'ns/db:main', 'ns/gone:80', 'bad', 'ns/web:80::PROXY')
const host = fc.constantFrom('a.example', '*.example')
const change = fc.oneof(
  fc.tuple(fc.constantFrom('tcp', 'udp'), fc.dictionary(port, target)).map(([it, data]) => object('ConfigMap', it, { data })),
  fc.tuple(name, protocol).map(([it, of]) => service(it, of)),
  fc.tuple(name, addresses, protocol).map(([it, list, of]) => slice(it, list, of)),
  fc.tuple(name, host, fc.constantFrom('true', 'false')).map(([it, of, passes]) => ingress(it, of, passes)),
)
const step = fc.oneof(
  fc.record({ set: change }), fc.record({ remove: change }), fc.constant('flush' as const),
)

function whole(pipeline: Pipeline): unknown {
  pipeline.graph.flush()
  return {
    records: [...pipeline.records].sort(([left], [right]) => (left < right ? -1 : 1)),
    layer4: pipeline.layer4,
    findings: pipeline.findings(),
  }
}

test('incremental = from scratch, and the order of objects does not matter', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 1000 }), (steps, seed) => {
    const running = new Pipeline(OPTIONS)
    const alive = new Map<string, KubeObject>()
    for (const it of steps) {
      if (it === 'flush') running.graph.flush()
      else if ('set' in it) {
        running.objects.set(it.set)
        alive.set(`${it.set.kind} ${it.set.metadata.name}`, it.set)
      } else {
        running.objects.delete(it.remove.kind, 'ns', it.remove.metadata.name)
        alive.delete(`${it.remove.kind} ${it.remove.metadata.name}`)
      }
    }
    const fresh = new Pipeline(OPTIONS)
    for (const it of shuffled([...alive.values()], seed)) fresh.objects.set(it)
    assert.deepEqual(whole(running), whole(fresh))
  }), RUNS)
})

test('as long as nothing of layer 4 changes it is the same object: nothing is rendered', () => {
  const pipeline = new Pipeline(OPTIONS)
  const set = (...objects: readonly KubeObject[]): void => {
    for (const it of objects) pipeline.objects.set(it)
    pipeline.graph.flush()
  }
  set(service('web', 'TCP'), slice('web', ['198.18.1.1'], 'TCP'), object('ConfigMap', 'tcp', { data: { 9000: 'ns/web:80' } }))
  const { layer4 } = pipeline
  set(service('db', 'TCP'), slice('db', ['198.18.1.2'], 'TCP'), ingress('web', 'a.example', 'false'))
  assert.equal(pipeline.layer4, layer4)
  set(slice('web', ['198.18.1.3'], 'TCP'))
  assert.notEqual(pipeline.layer4, layer4)
})

test('more ports than NGINX can listen on: the first are there, the others are told', () => {
  const data = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [10_000 + i, 'ns/web:80']))
  const many = translated([object('ConfigMap', 'tcp', { data })], true)
  assert.equal(many.config.match(/listen 0\.0\.0\.0:1[01]\d{3} /g)?.length, 1000)
  assert.ok(many.findings.some(({ reason }) => reason === 'TooManyPorts'))
  const udp = translated([object('ConfigMap', 'udp', { data })], true)
  // A socket for each worker and address, and NGINX counts them all as connections.
  const listening = udp.config.match(/ udp reuseport;/g)?.length ?? 0
  assert.ok(listening > 100 && listening * 64 < 16_384, String(listening))
})
