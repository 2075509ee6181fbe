import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { routeViews } from './route-views.ts'

const ORIGIN = { kind: 'Ingress', namespace: 'shop', name: 'main', service: 'web', port: '80' }
const RECORDS = new Map<RecordKey, DataRecord>([
  ['host/default/a.example.com', {
    digest: '1',
    routes: [{
      path: '/',
      pathType: 'Prefix',
      backends: [{ backend: 'backend/shop/web/80', weight: 1 }],
      policies: {},
      canary: { total: 100, sticky: true },
      canaries: [{
        backend: 'backend/shop/next/80',
        weight: 10,
        header: { name: 'x-canary' },
        policies: {},
        origin: { ...ORIGIN, name: 'next', service: 'next' },
      }],
      origin: ORIGIN,
    }],
  }],
  ['backend/shop/web/80', {
    digest: '2',
    endpoints: [['198.18.0.7', 80], ['2001:db8::7', 80, { priority: 1 }], ['198.18.0.8', 80, { draining: true }]],
  }],
  ['backend/shop/next/80', { digest: '3', endpoints: [] }],
])

test('routes show their canaries, and which endpoints are for need only', () => {
  const [route] = routeViews(RECORDS)
  assert.equal(route?.canaryTotal, 100)
  assert.deepEqual(route?.canaries, [{
    origin: { kind: 'Ingress', namespace: 'shop', name: 'next' },
    namespace: 'shop',
    service: 'next',
    port: '80',
    weight: 10,
    endpoints: [],
  }])
  assert.deepEqual(route?.backends[0]?.endpoints, ['198.18.0.7:80', '[2001:db8::7]:80 other zone', '198.18.0.8:80 draining'])
})
