import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DataRecord, HostRecord } from '../dynamic/records.ts'
import { requiredClasses } from '../dynamic/records.ts'
import { fc } from '../testing/property.ts'
import { plan, urgentPart, type Plan } from './plan.ts'

function host(digest: string, className?: string): HostRecord {
  const origin = { kind: 'Ingress', namespace: 'ns', name: 'x', service: 'web', port: '80' }
  const route = { path: '/', pathType: 'Prefix' as const, backends: [], policies: {}, origin }
  return { digest, routes: [className === undefined ? route : { ...route, class: className }] }
}

function planned(desired: Record<string, DataRecord>, actual: Record<string, string>, loaded: string[] = []): Plan {
  return plan({
    desired: new Map(Object.entries(desired)),
    actual: new Map(Object.entries(actual)),
    keys: new Set([...Object.keys(desired), ...Object.keys(actual)]),
    isLoaded: (name) => loaded.includes(name),
    classesOf: requiredClasses,
  })
}

test('only what differs is sent', () => {
  const same = { digest: '1', endpoints: [] }
  const result = planned({ 'backend/ns/a/80': same, 'backend/ns/b/80': { digest: '2', endpoints: [] } }, {
    'backend/ns/a/80': '1',
    'backend/ns/b/80': '1',
    'backend/ns/c/80': '1',
  })
  assert.deepEqual(Object.keys(result.set), ['backend/ns/b/80'])
  assert.deepEqual(result.remove, ['backend/ns/c/80'])
  assert.deepEqual(result.held, [])
})

test('a record waits for its class, and what it may replace stays meanwhile', () => {
  const desired = { 'host/default/a.example.com': host('2', 'c1'), 'backend/ns/new/80': { digest: '1', endpoints: [] } }
  const actual = { 'host/default/a.example.com': '1', 'backend/ns/old/80': '1', 'host/default/gone.example.com': '1' }
  const waiting = planned(desired, actual)
  assert.deepEqual(Object.keys(waiting.set), ['backend/ns/new/80'])
  assert.deepEqual(waiting.remove, ['host/default/gone.example.com'])
  assert.deepEqual([...waiting.held].sort(), ['backend/ns/old/80', 'host/default/a.example.com'])
  const loaded = planned(desired, actual, ['c1'])
  assert.deepEqual(Object.keys(loaded.set).sort(), ['backend/ns/new/80', 'host/default/a.example.com'])
  assert.deepEqual([...loaded.remove].sort(), ['backend/ns/old/80', 'host/default/gone.example.com'])
})

test('without room for all of it, what makes room and what traffic goes by can go alone', () => {
  const backend = { digest: '2', endpoints: [] }
  const set = { 'backend/ns/a/80': backend, 'backend/ns/new/80': backend, 'host/default/new': host('1') }
  const remove = ['host/default/gone', 'backend/ns/gone/80']
  const actual = new Map([['backend/ns/a/80', '1'], ['host/default/gone', '1'], ['backend/ns/gone/80', '1']])
  const urgent = urgentPart({ set, remove }, actual)
  assert.deepEqual(urgent, { set: { 'backend/ns/a/80': backend }, remove: ['host/default/gone'] })
  assert.equal(urgentPart(urgent, actual), undefined)
  assert.equal(urgentPart({ set: { 'host/default/new': host('1') }, remove: [] }, actual), undefined)
})

test('apply(plan(desired, actual)) = desired, and planning again gives nothing', () => {
  const digests = fc.dictionary(
    fc.constantFrom('backend/a/a/80', 'backend/a/b/80', 'host/default/a', 'certificate/a/b'),
    fc.constantFrom('1', '2'),
  )
  fc.assert(
    fc.property(digests, digests, (desiredDigests, actual) => {
      const records = Object.entries(desiredDigests).map(([key, digest]) => [key, { digest, endpoints: [] }] as const)
      const desired = Object.fromEntries(records)
      const { set, remove } = planned(desired, actual)
      const after: Record<string, string> = { ...actual }
      for (const [key, record] of Object.entries(set)) after[key] = record.digest
      for (const key of remove) delete after[key]
      assert.deepEqual(after, { ...desiredDigests })
      const again = planned(desired, after)
      assert.deepEqual({ ...again.set }, {})
      assert.deepEqual(again.remove, [])
    }),
  )
})
