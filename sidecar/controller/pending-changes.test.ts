import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PendingChanges } from './pending-changes.ts'

test('the age is that of the oldest change that waits, also when it changes again', () => {
  const pending = new PendingChanges()
  assert.deepEqual([pending.size, pending.age(5)], [0, 0])
  pending.add(['a', 'b'], 10)
  pending.add(['a', 'c'], 20)
  assert.deepEqual([pending.size, pending.age(25)], [3, 15])
  pending.settle((key) => key !== 'c')
  assert.deepEqual([pending.size, pending.age(25)], [1, 5])
})
