/** Invariants of the translation of Proxy objects, under generated ones: by the schema, and damaged. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../collection/objects.ts'
import type { RouteRecord } from '../../dynamic/records.ts'
import type { Json } from '../../ir/types.ts'
import { arbitraryOf, damaged } from '../../testing/arbitrary.ts'
import { assertContract } from '../../testing/contract.ts'
import { assertVocabulary } from '../../testing/hostile/vocabulary.ts'
import { CLEAN, NEIGHBOUR, RUNS, nasty, object, service, translated } from '../../testing/neighbour.ts'
import { fc } from '../../testing/property.ts'
import { SPEC_SCHEMA } from './schema.ts'

const TEMPLATES = fc.constantFrom<Json>('$remote_addr', 'a-${arg_user}', '$1', '/x/$1', 'https://example.com/x', '^a|b$')
const HOSTS = fc.constantFrom<Json>('good.example.com', '*.example.com', 'a.example.com', '*')

/** What the schema allows, what it almost allows, and texts that like to be taken for syntax. */
const anySpec = arbitraryOf(SPEC_SCHEMA).chain((spec) => fc.oneof(
  fc.constant(spec),
  damaged(spec),
  fc.tuple(HOSTS, fc.oneof(nasty, TEMPLATES)).map(([host, text]) => withText(spec, host, text)),
))

/** Every text of the spec becomes this one; it has a host, so that there is a record. */
function withText(spec: Json, host: Json, text: Json): Json {
  const replaced = (value: Json): Json => {
    if (typeof value === 'string') return text
    if (Array.isArray(value)) return value.map(replaced)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member)]))
  }
  return { ...(replaced(spec) as object), hosts: [host] }
}

function proxyOf(spec: Json, created = '2026-02-01T00:00:00Z'): KubeObject {
  const ours = typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? spec : {}
  return object('Proxy', 'bad', 'stranger', {
    apiVersion: 'resty-ingress.io/v1alpha1',
    metadata: { creationTimestamp: created },
    spec: { ...ours, ingressClassName: 'resty-ingress' },
  })
}

test('a Proxy gives records of the contract or findings, no syntax, and leaves its neighbour as it was', () => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const { tcp: _tcp, udp: _udp, ...http } = (spec ?? {}) as { [name: string]: Json }
      const result = translated([...NEIGHBOUR, service('bad', 'web'), proxyOf(http)])
      assertContract(result.records)
      // Half of a surrogate pair is no Unicode: Lua would refuse the whole push for it.
      assert.doesNotMatch(JSON.stringify(result.records), /\\ud[89a-f]/)
      assertVocabulary(result.config)
      for (const [key, record] of Object.entries(CLEAN.records)) {
        if (key !== 'host/default/good.example.com') assert.deepEqual(result.records[key], record)
      }
      assert.ok(keepsNeighbour(result.records))
    }),
    RUNS,
  )
})

/** On a host that both name, the older keeps its path. */
function keepsNeighbour(records: object): boolean {
  const { 'host/default/good.example.com': host } = records as Readonly<Record<string, { routes: readonly RouteRecord[] }>>
  return (host?.routes ?? []).some(({ path, pathType, match, origin }) =>
    path === '/' && pathType === 'Prefix' && match === undefined && origin.name === 'neighbour')
}

test('a Proxy of endless lists costs no more than its limits', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `h${i}.example.com`)
  const rule = { backends: [{ service: 'web', port: 80 }] }
  const specs = [
    { hosts: many, rules: [rule] },
    { hosts: ['a.example.com'], rules: many.map((it) => ({ path: { value: `/${it}` }, ...rule })) },
    { hosts: many.slice(0, 256), rules: many.slice(0, 256).map((it) => ({ path: { value: `/${it}` }, ...rule })) },
    { hosts: ['a.example.com'], rules: [{ backends: many.map((it) => ({ service: it, port: 80 })) }] },
    { tcp: many.map((_, i) => ({ port: (i % 60_000) + 1, backend: { service: 'web', port: 80 } })) },
  ]
  for (const spec of specs) {
    const { records, findings } = translated([...NEIGHBOUR, proxyOf(spec)])
    assert.ok(Object.keys(records).length <= 300)
    assert.ok(findings.length > 0 && findings.length <= 200)
    assert.deepEqual(records['host/default/good.example.com'], CLEAN.records['host/default/good.example.com'])
  }
})

const OTHERS = { hosts: ['c.example.com'], rules: [{ backends: [{ service: 'web', port: 80, namespace: 'good' }] }] }

test('a Service of another namespace serves only with its consent', () => {
  const consents: Readonly<Record<string, boolean>> = {
    '': false, bad: true, 'x, bad ,y': true, '*': true, 'x,*': true, badly: false, 'x bad': false, 'bad\u0000': false,
  }
  for (const [consent, allowed] of Object.entries(consents)) {
    const target = service('good', 'web', { 'resty-ingress.io/allow-from': consent })
    const { records, findings } = translated([...NEIGHBOUR.filter(({ kind }) => kind !== 'Service'), target, proxyOf(OTHERS)])
    const { routes } = records['host/default/c.example.com'] as unknown as { routes: { backends: unknown[], closed?: string }[] }
    assert.equal(routes[0]?.backends.length, allowed ? 1 : 0, consent)
    assert.equal(routes[0]?.closed === undefined, allowed, consent)
    assert.equal(findings.some(({ reason }) => reason === 'RefNotPermitted'), !allowed, consent)
  }
})

test('what is not there of another namespace cannot be told from what does not consent', () => {
  const message = (name: string): string | undefined => {
    const spec = { ...OTHERS, rules: [{ backends: [{ service: name, port: 80, namespace: 'good' }] }] }
    const found = translated([...NEIGHBOUR, proxyOf(spec)]).findings.find(({ reason }) => reason === 'RefNotPermitted')
    return found?.message.replaceAll(name, 'NAME')
  }
  assert.equal(message('web'), message('none'))
})
