import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asRawObject, ENDPOINT_SLICE, trim } from './resource.ts'

function endpointsOf(endpoints: unknown): unknown {
  return trim(ENDPOINT_SLICE, asRawObject({ metadata: { name: 'web', namespace: 'prod' }, endpoints })).endpoints
}

test('of an endpoint stays what its choice goes by', () => {
  const conditions = { ready: true, serving: true, terminating: false }
  const hints = { forZones: [{ name: 'a' }] }
  const endpoint = { addresses: ['10.0.0.1'], conditions, zone: 'a', hints }
  const targetRef = { kind: 'Pod', namespace: 'prod', name: 'web-1', uid: 'u-1' }
  assert.deepEqual(endpointsOf([{ ...endpoint, nodeName: 'n', hostname: 'h', targetRef }]), [{ ...endpoint, targetRef: { uid: 'u-1' } }])
})

test('endpoints that are none come through as they are, or empty', () => {
  assert.equal(endpointsOf(null), null)
  assert.deepEqual(endpointsOf(['x', {}]), [{ addresses: undefined, conditions: undefined }, { addresses: undefined, conditions: undefined }])
})
