/** Invariants of Services as destinations and as routes, under generated objects and answers of DNS. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import type { BackendRecord } from '../dynamic/records.ts'
import { classifyAddress, parseAddress } from '../ir/address.ts'
import { externalName } from '../ir/external-name.ts'
import { isDnsName } from '../ir/names.ts'
import type { Resolution } from '../ir/types.ts'
import { EXPOSE_ANNOTATIONS } from '../source/service/annotations.ts'
import { assertContract } from '../testing/contract.ts'
import { GOLDEN_OPTIONS, shuffled } from '../testing/inputs.ts'
import {
  CLASS, CLEAN, NEIGHBOUR, RUNS, ingress, nasty, object, service, translated, withoutClasses,
} from '../testing/neighbour.ts'
import { fc } from '../testing/property.ts'
import { Pipeline } from './pipeline.ts'

const anything = fc.oneof(nasty, fc.integer(), fc.boolean(), fc.constant(null), fc.array(nasty, { maxLength: 2 }))
const exposeName = fc.constantFrom(...EXPOSE_ANNOTATIONS.map(([name]) => name), 'service-upstream')
  .map((name) => `resty-ingress.io/${name}`)
const list = fc.array(fc.oneof(nasty, fc.constantFrom('a.example.com/x', '*.b.example.com', 'A.example.com/*')), { maxLength: 3 })
const hostilePort = fc.record({ port: fc.oneof(anything, fc.constant(80)), name: anything, targetPort: anything })
const hostileService = fc.record({
  annotations: fc.dictionary(exposeName, nasty, { maxKeys: 4 }),
  expose: list.map((parts) => parts.join(',')),
  type: fc.oneof(anything, fc.constant('ExternalName')),
  externalName: fc.oneof(anything, fc.constantFrom('names.example', '127.1', 'localhost')),
  clusterIPs: fc.oneof(anything, fc.array(fc.constantFrom('198.18.100.1', '127.0.0.1', '::1', 'None'), { maxLength: 2 })),
  ports: fc.oneof(anything, fc.array(hostilePort, { maxLength: 2 })),
})

test('whatever a Service says of itself, no text becomes syntax, and the neighbour stays as it was', () => {
  fc.assert(
    fc.property(hostileService, ({ annotations, expose, ...spec }) => {
      const said = { ...annotations, 'resty-ingress.io/expose': expose }
      const result = translated([
        ...NEIGHBOUR, object('Service', 'bad', 'web', { metadata: { annotations: said }, spec }), ingress('bad', 'stranger', {}),
      ])
      assertContract(result.records)
      assert.equal(withoutClasses(result.config), withoutClasses(CLEAN.config))
      for (const [key, record] of Object.entries(CLEAN.records)) assert.deepEqual(result.records[key], record)
    }),
    RUNS,
  )
})

test('a name is a DNS name in ASCII that no resolver takes for an address, or it is refused', () => {
  const numeric = fc.tuple(fc.constantFrom('', 'a.', '1.'), fc.constantFrom('1', '0x7f', '0X7F000001', '017700000001', '１２７'))
  const text = fc.oneof(nasty, fc.domain(), fc.ipV4(), fc.ipV6(), numeric.map((parts) => parts.join('')), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(text, fc.constantFrom('', '.'), (name, dot) => {
      const parsed = externalName(name + dot)
      if ('problem' in parsed) return
      assert.ok(isDnsName(parsed.name))
      assert.doesNotMatch(parsed.name, /(^|\.)([0-9]+|0x[0-9a-f]*)$/)
      assert.deepEqual(externalName(parsed.name), parsed)
    }),
    { numRuns: 2000 },
  )
  for (const name of ['localhost', 'LocalHost.', 'a.localhost', 'ip6-loopback', '０x7f.1', 'x'.repeat(2000), `${'a.'.repeat(130)}a`]) {
    assert.ok('problem' in externalName(name), name)
  }
})

test('of whatever DNS answers, only addresses of pods and hosts become endpoints', () => {
  const address = fc.oneof(
    nasty, fc.ipV4(), fc.ipV6(), fc.ipV4().map((it) => `::ffff:${it}`), fc.ipV4().map((it) => `64:ff9b::${it}`),
    fc.constantFrom('127.0.0.1', '169.254.169.254', '::', 'fe80::1', 'fd00:ec2::254', '198.18.1.1'),
  )
  fc.assert(
    fc.property(fc.array(address, { maxLength: 6 }), (addresses) => {
      const pipeline = new Pipeline(GOLDEN_OPTIONS)
      for (const it of [CLASS, named('web', 'names.example'), ingress('ns', 'a', {})]) pipeline.objects.set(it)
      pipeline.resolutions.set('names.example', { addresses })
      pipeline.graph.flush()
      const { endpoints } = pipeline.records.get('backend/ns/web/80') as BackendRecord
      for (const [text] of endpoints) assert.equal(classifyAddress(parseAddress(text) ?? []), 'ordinary', text)
      const ordinary = addresses.filter((it) => classifyAddress(parseAddress(it) ?? [0, 0, 0, 0]) === 'ordinary')
      assert.equal(endpoints.length === 0, ordinary.length === 0)
    }),
    RUNS,
  )
})

function named(name: string, external: string): KubeObject {
  return object('Service', 'ns', name, { spec: { type: 'ExternalName', externalName: external } })
}

function addressed(name: string, annotations: Record<string, string>): KubeObject {
  return object('Service', 'ns', name, { metadata: { annotations }, spec: { ports: [{ port: 80 }], clusterIPs: ['198.18.100.1'] } })
}

const name = fc.constantFrom('a', 'b', 'web')
const dnsName = fc.constantFrom('x.example', 'y.example')
const upstream = fc.constantFrom('true', 'false', '').map((text) => ({ 'resty-ingress.io/service-upstream': text }))
const exposed = fc.constantFrom('a.example.com', 'a.example.com/x, b.example.com').map((text) => ({ 'resty-ingress.io/expose': text }))
const someService = fc.oneof(
  fc.tuple(name, dnsName).map(([it, external]) => named(it, external)),
  fc.tuple(name, fc.oneof(upstream, exposed)).map(([it, annotations]) => addressed(it, annotations)),
  name.map((it) => service('ns', it)),
)
const settings = fc.constantFrom({}, { 'service-upstream': 'true' }, { 'external-name-denied': 'x.example, 198.18.1.2' })
const resolution = fc.record(
  {
    addresses: fc.array(fc.constantFrom('198.18.1.1', '198.18.1.2', '127.0.0.1'), { maxLength: 2 }),
    failure: fc.constant({ since: '2026-01-01T00:00:00.000Z', reason: 'the DNS server failed' }),
  },
  { requiredKeys: ['addresses'] },
)
const change = fc.oneof(
  fc.record({ set: someService }),
  fc.record({ set: fc.tuple(name, upstream).map(([it, annotations]) => ingress('ns', it, { annotations })) }),
  fc.record({ set: settings.map((data) => object('ConfigMap', 'resty-ingress', 'resty-ingress', { data })) }),
  fc.record({ set: fc.constant(CLASS) }),
  fc.record({ remove: fc.tuple(fc.constantFrom('Ingress' as const, 'Service' as const), name) }),
  fc.record({ answer: fc.tuple(dnsName, fc.option(resolution as fc.Arbitrary<Resolution>, { nil: undefined })) }),
  fc.constant('flush' as const),
)

function whole(pipeline: Pipeline): unknown {
  pipeline.graph.flush()
  const records = [...pipeline.records].sort(([left], [right]) => (left < right ? -1 : 1))
  return { records, findings: pipeline.findings(), names: [...pipeline.externalNames.keys()].sort() }
}

function answer(pipeline: Pipeline, dns: string, said: Resolution | undefined): void {
  if (said === undefined) pipeline.resolutions.delete(dns)
  else pipeline.resolutions.set(dns, said)
}

test('incremental = from scratch, with answers of DNS in any order', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 1, max: 1000 }), (changes, seed) => {
      const running = new Pipeline(GOLDEN_OPTIONS)
      const alive = new Map<string, KubeObject>()
      const answers = new Map<string, Resolution | undefined>()
      for (const step of changes) {
        if (step === 'flush') running.graph.flush()
        else if ('set' in step) {
          running.objects.set(step.set)
          alive.set(`${step.set.kind} ${step.set.metadata.name}`, step.set)
        } else if ('remove' in step) {
          running.objects.delete(step.remove[0], 'ns', step.remove[1])
          alive.delete(step.remove.join(' '))
        } else {
          answer(running, ...step.answer)
          answers.set(...step.answer)
        }
      }
      const fresh = new Pipeline(GOLDEN_OPTIONS)
      for (const [dns, said] of answers) answer(fresh, dns, said)
      for (const it of shuffled([...alive.values()], seed)) fresh.objects.set(it)
      assert.deepEqual(whole(running), whole(fresh))
    }),
    RUNS,
  )
})

test('a list of endless hosts costs no more than its limits', () => {
  const expose = Array.from({ length: 5000 }, (_, i) => `h${i}.example.com`).join(',')
  for (const text of [expose.slice(0, 60_000), expose.repeat(2), ','.repeat(60_000), '*.'.repeat(30_000)]) {
    const result = translated([...NEIGHBOUR, service('bad', 'web', { 'resty-ingress.io/expose': text })])
    assert.ok(Object.keys(result.records).length <= 1020)
    assert.ok(result.findings.length <= 200)
  }
})
