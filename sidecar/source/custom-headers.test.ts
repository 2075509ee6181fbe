/** Headers from a ConfigMap. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertContract } from '../testing/contract.ts'
import { CLASS, ingress, object, service, translated } from '../testing/neighbour.ts'

test('a ConfigMap without headers changes nothing, and its host has a record that OpenResty takes', () => {
  const annotations = { 'nginx.ingress.kubernetes.io/custom-headers': 'headers' }
  const empty = object('ConfigMap', 'prod', 'headers', { data: {} })
  const objects = [CLASS, service('prod', 'web'), ingress('prod', 'web', { annotations })]
  const { records, findings } = translated([...objects, empty])
  assertContract(records)
  assert.deepEqual(findings, [])
  assert.match(JSON.stringify(translated(objects).findings), /is not there/)
})
