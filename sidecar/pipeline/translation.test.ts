/** Invariants of the whole translation, under generated objects. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import type { BackendRecord } from '../dynamic/records.ts'
import { canary as canaryPolicy } from '../policy/canary.ts'
import { POLICIES } from '../policy/registry.ts'
import { KEYS } from '../source/configmap/keys.ts'
import { HEALTH_CHECK } from '../source/service/health-check.ts'
import { assertContract } from '../testing/contract.ts'
import { GOLDEN_OPTIONS, shuffled } from '../testing/inputs.ts'
import {
  CLASS, CLEAN, NEIGHBOUR, RUNS, ingress, nasty, object, service, slice, translated, withoutClasses, type IngressParts,
} from '../testing/neighbour.ts'
import { fc } from '../testing/property.ts'
import { Pipeline } from './pipeline.ts'

const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined))
const anything = fc.oneof(nasty, scalar, fc.array(nasty, { maxLength: 2 }))

const ANNOTATIONS = POLICIES.flatMap((policy) => Object.values(policy.fields).map((field) => field.annotation))
const prefix = fc.constantFrom('nginx.ingress.kubernetes.io', 'resty-ingress.io')
const annotationName = fc
  .tuple(prefix, fc.oneof(fc.constantFrom(...ANNOTATIONS), nasty))
  .map((parts) => parts.join('/'))

const badPort = fc.record({ number: anything, name: anything })
const badTls = fc.record({ hosts: fc.array(anything), secretName: anything })
const badIngress = fc.record(
  {
    annotations: fc.dictionary(annotationName, nasty, { maxKeys: 4 }),
    host: anything,
    path: anything,
    pathType: fc.oneof(anything, fc.constantFrom('Exact', 'Prefix', 'ImplementationSpecific')),
    backend: fc.oneof(anything, fc.record({ service: fc.record({ name: anything, port: badPort }) })),
    tls: fc.oneof(anything, fc.array(badTls, { maxLength: 2 })),
  },
  { requiredKeys: [] },
)

test('no text of an object becomes NGINX syntax, and the neighbour stays as it was', () => {
  fc.assert(
    fc.property(badIngress, (parts) => {
      const result = translated([...NEIGHBOUR, ingress('bad', 'stranger', parts as IngressParts)])
      assertContract(result.records)
      // Half of a surrogate pair is no Unicode: Lua would refuse the whole push for it.
      assert.doesNotMatch(JSON.stringify(result.records), /\\ud[89a-f]/)
      assert.equal(withoutClasses(result.config), withoutClasses(CLEAN.config))
      for (const [key, record] of Object.entries(CLEAN.records)) assert.deepEqual(result.records[key], record)
    }),
    RUNS,
  )
})

test('an object of endless lists costs no more than its limits, and the neighbour stays as it was', () => {
  const hosts = Array.from({ length: 100_000 }, (_, i) => `h${i}.example.com`)
  const paths = hosts.map((text) => ({ path: text, backend: {} }))
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const specs = [
    { rules: hosts.map((it) => ({ host: it })), defaultBackend: backend },
    { rules: hosts.map((it) => ({ host: it })), tls: hosts.map(() => ({ secretName: 'missing' })) },
    { tls: [{ hosts, secretName: 'missing' }] },
    { rules: [{ host: 'a.example.com', http: { paths } }] },
    { rules: [{ host: 'a.example.com', http: { paths: hosts.map((it) => ({ path: `/${it}`, backend })) } }] },
  ]
  for (const spec of specs) {
    const bad = object('Ingress', 'bad', 'huge', { spec: { ingressClassName: 'resty-ingress', ...spec } })
    const result = translated([...NEIGHBOUR, bad])
    assert.ok(Object.keys(result.records).length <= 10_010)
    assert.ok(result.findings.some(({ reason }) => reason === 'TooManyEntries'))
    assert.ok(result.findings.length <= 200)
    assert.deepEqual(result.records['host/default/good.example.com'], CLEAN.records['host/default/good.example.com'])
  }
})

test('a host that many objects crowd keeps its oldest routes, and its record stays one that OpenResty takes', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const crowd = Array.from({ length: 3 }, (_, i) => {
    const paths = Array.from({ length: 10_000 }, (_it, j) => ({ path: `/${i}/${j}`, backend }))
    const spec = { ingressClassName: 'resty-ingress', rules: [{ host: 'good.example.com', http: { paths } }] }
    return object('Ingress', 'bad', `crowd-${i}`, { metadata: { creationTimestamp: '2026-02-01T00:00:00Z' }, spec })
  })
  const { records, findings } = translated([...NEIGHBOUR, ...crowd])
  const { routes } = records['host/default/good.example.com'] as unknown as { routes: { path: string }[] }
  assert.equal(routes.length, 20_000)
  assert.equal(routes.at(-1)?.path, '/')
  assert.ok(findings.some(({ reason }) => reason === 'TooManyRoutes'))
})

test('a host has only so many regular expressions, since each request tries them one by one', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const paths = Array.from({ length: 300 }, (_, i) => ({ path: `/(a|aa)+x${i}`, backend }))
  const annotations = { 'nginx.ingress.kubernetes.io/use-regex': 'true' }
  const spec = { ingressClassName: 'resty-ingress', rules: [{ host: 'a.example.com', http: { paths } }] }
  const bad = object('Ingress', 'bad', 'regexes', { metadata: { annotations }, spec })
  const { records, findings } = translated([...NEIGHBOUR, bad])
  const { routes } = records['host/default/a.example.com'] as unknown as { routes: unknown[] }
  assert.equal(routes.length, 200)
  assert.ok(findings.some(({ reason, message }) => reason === 'TooManyRoutes' && /regular expressions/.test(message)))
})

const NEW_SETTINGS = [KEYS.proxyNextUpstream, KEYS.ejectionTime, KEYS.canaryHashBy, KEYS.loadBalance, KEYS.slowStart]
const settingName = fc.constantFrom('worker-processes', 'keep-alive', 'http-redirect-code', ...NEW_SETTINGS.map(({ name }) => name))
const checkName = fc.constantFrom(...Object.values(HEALTH_CHECK)).map(({ annotation }) => `resty-ingress.io/${annotation}`)

test('hostile settings, endpoints, services and secrets leave the neighbour as it was', () => {
  const data = fc.dictionary(fc.oneof(nasty, settingName), nasty)
  const checks = fc.dictionary(checkName, nasty)
  const all = fc.tuple(data, fc.array(anything, { maxLength: 4 }), checks, anything)
  fc.assert(
    fc.property(all, ([settings, addresses, annotations, pem]) => {
      const result = translated([
        ...NEIGHBOUR,
        object('ConfigMap', 'resty-ingress', 'resty-ingress', { data: settings }),
        service('bad', 'web', annotations),
        slice('bad', 'web', addresses),
        object('Secret', 'bad', 'tls', { data: { 'tls.crt': pem, 'tls.key': pem } }),
        ingress('bad', 'stranger', { tls: [{ hosts: ['a.example.com'], secretName: 'tls' }] }),
      ])
      assertContract(result.records)
      assert.deepEqual(result.records['host/default/good.example.com'], CLEAN.records['host/default/good.example.com'])
      assert.equal(result.config.split('\n').length, CLEAN.config.split('\n').length)
    }),
    RUNS,
  )
})

const name = fc.constantFrom('a', 'b', 'c')
const host = fc.constantFrom('a.example.com', 'b.example.com', '*.example.com')
const path = fc.constantFrom('/', '/x', '/x/')
const created = fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')
const addresses = fc.array(fc.constantFrom('198.18.1.1', '198.18.1.2', '127.0.0.1'))
const size = fc.constantFrom('1m', '2m', 'x').map((text) => ({ 'resty-ingress.io/proxy-body-size': text }))
const weight = fc.constantFrom('10', '60', '-1')
const canary = weight.map((text) => ({ 'resty-ingress.io/canary': 'true', 'resty-ingress.io/canary-weight': text }))
const sticky = fc.constantFrom('sticky', 'legacy', '').map((text) => ({
  'resty-ingress.io/affinity': 'cookie',
  'resty-ingress.io/affinity-canary-behavior': text,
}))
const annotations = fc.oneof(size, canary, sticky)
const someIngress = fc.tuple(name, fc.record({ host, path, created, annotations }))
const someProxy = fc.tuple(name, host, path, fc.constantFrom('ns', 'other')).map(([it, where, value, namespace]) =>
  object('Proxy', 'ns', it, {
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      ingressClassName: 'resty-ingress',
      hosts: [where],
      rules: [{ path: { value }, backends: [{ service: 'web', port: 80, namespace }] }],
    },
  }))
const consent = fc.constantFrom('ns', '*', 'a,b').map((text) => service('other', 'web', { 'resty-ingress.io/allow-from': text }))
const change = fc.oneof(
  fc.record({ set: someProxy }),
  fc.record({ set: consent }),
  fc.record({ set: someIngress.map(([it, parts]) => ingress('ns', it, parts)) }),
  fc.record({ set: fc.tuple(name, addresses).map(([it, list]) => slice('ns', it, list)) }),
  fc.record({ set: fc.constantFrom(service('ns', 'web'), service('ns', 'a'), CLASS) }),
  fc.record({
    remove: fc.tuple(
      fc.constantFrom('Ingress' as const, 'Proxy' as const, 'Service' as const, 'EndpointSlice' as const),
      fc.constantFrom('a', 'b', 'c', 'web', 'a-1'),
    ),
  }),
  fc.constant('flush' as const),
)

function whole(pipeline: Pipeline): unknown {
  pipeline.graph.flush()
  const records = [...pipeline.records].sort(([left], [right]) => (left < right ? -1 : 1))
  return { records, findings: pipeline.findings(), classes: pipeline.classes().map((it) => it.name).sort() }
}

test('incremental = from scratch, and the order of objects does not matter', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 1, max: 1000 }), (changes, seed) => {
      const running = new Pipeline(GOLDEN_OPTIONS)
      const alive = new Map<string, KubeObject>()
      for (const step of changes) {
        if (step === 'flush') running.graph.flush()
        else if ('set' in step) {
          running.objects.set(step.set)
          alive.set(`${step.set.kind} ${step.set.metadata.namespace}/${step.set.metadata.name}`, step.set)
        } else {
          running.objects.delete(step.remove[0], 'ns', step.remove[1])
          alive.delete(`${step.remove[0]} ns/${step.remove[1]}`)
        }
      }
      const fresh = new Pipeline(GOLDEN_OPTIONS)
      for (const it of shuffled([...alive.values()], seed)) fresh.objects.set(it)
      assert.deepEqual(whole(running), whole(fresh))
    }),
    RUNS,
  )
})

test('of more endpoints than a record holds the first are used, and that is told', () => {
  const addresses = Array.from({ length: 20_001 }, (_, i) => `198.18.${i >> 8}.${i & 255}`)
  const { records, findings } = translated([
    CLASS, service('ns', 'web'), slice('ns', 'web', addresses), ingress('ns', 'large', {}),
  ])
  const { endpoints } = records['backend/ns/web/80'] as BackendRecord
  assert.equal(endpoints.length, 20_000)
  assert.ok(findings.some(({ reason }) => reason === 'TooManyEndpoints'))
})

test('a canary of another namespace takes nothing, whatever it says and however old it is', () => {
  const fields = Object.values(canaryPolicy.fields).map(({ annotation }) => `resty-ingress.io/${annotation}`)
  const said = fc.dictionary(fc.constantFrom(...fields), fc.oneof(weight, nasty))
  fc.assert(
    fc.property(said, created, (annotations, since) => {
      const parts = { annotations: { ...annotations, 'resty-ingress.io/canary': 'true' }, host: 'good.example.com', created: since }
      const result = translated([...NEIGHBOUR, service('bad', 'web'), ingress('bad', 'stranger', parts)])
      assertContract(result.records)
      assert.deepEqual(result.records['host/default/good.example.com'], CLEAN.records['host/default/good.example.com'])
      assert.ok(result.findings.some(({ reason }) => reason === 'CanaryOfOtherNamespace'))
    }),
    RUNS,
  )
})
