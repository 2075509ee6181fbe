import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asRawObject, ENDPOINT_SLICE, trim } from './resource.ts'

function endpointsOf(endpoints: unknown): unknown {
  return trim(ENDPOINT_SLICE, asRawObject({ metadata: { name: 'web', namespace: 'prod' }, endpoints })).endpoints
}

test('of an endpoint stays what its choice goes by', () => {
  const conditions = { ready: false, serving: true }
  const endpoint = { addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }] } }
  const targetRef = { kind: 'Pod', namespace: 'prod', name: 'web-1', uid: 'u-1' }
  const whole = { ...endpoint, conditions: { ...conditions, terminating: true }, zone: 'a', nodeName: 'n', targetRef }
  assert.deepEqual(endpointsOf([whole]), [{ ...endpoint, conditions, targetRef: { uid: 'u-1' } }])
})

test('conditions stay where they say more than that an endpoint is ready', () => {
  const conditionsOf = (conditions: unknown): unknown => endpointsOf([{ addresses: [], conditions }])
  const plain = { ready: true, serving: true, terminating: false }
  for (const ordinary of [undefined, {}, { ready: true }, { ready: null }, plain]) {
    assert.deepEqual(conditionsOf(ordinary), [{ addresses: [] }])
  }
  for (const [ready, serving] of [[false, true], [false, false], [true, false], [false, undefined]]) {
    const conditions = { ready, serving }
    assert.deepEqual(conditionsOf({ ...conditions, terminating: true }), [{ addresses: [], conditions }])
  }
})

test('endpoints that are none come through as they are, or empty', () => {
  assert.equal(endpointsOf(null), null)
  assert.deepEqual(endpointsOf(['x', {}]), [{ addresses: undefined }, { addresses: undefined }])
})
