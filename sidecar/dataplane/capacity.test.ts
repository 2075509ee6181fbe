import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capacityFindings } from './capacity.ts'

test('names the setting, the bytes and a size that is enough', () => {
  const pod = { namespace: 'ingress', name: 'resty-1' }
  assert.deepEqual(capacityFindings(undefined, pod), [])
  const [finding] = capacityFindings({ needed: 200 * 1024 * 1024, capacity: 128 * 1024 * 1024 }, pod)
  assert.deepEqual(finding?.origin, { kind: 'Pod', ...pod, field: 'RESTY_INGRESS_RECORDS_SIZE' })
  assert.match(finding.message, /209715200 bytes are needed, 134217728 there/)
  assert.match(finding.message, /set RESTY_INGRESS_RECORDS_SIZE of the container openresty to 250m or more/)
})
