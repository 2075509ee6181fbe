import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'

test('a burst at once, then one for each interval, and never more than a burst is saved up', () => {
  const pace = new Pace(3, 10)
  const taken = (from: number, to: number): number => {
    let count = 0
    for (let now = from; now < to; now += 1) count += pace.take(now) ? 1 : 0
    return count
  }
  assert.equal(taken(1000, 1001), 1)
  assert.equal(taken(1001, 1010), 2)
  assert.equal(taken(1010, 1110), 10)
  assert.equal(taken(9000, 9009), 3)
})

test('what is given back can be taken again', () => {
  const pace = new Pace(1, 1000)
  assert.equal(pace.take(0), true)
  assert.equal(pace.take(1), false)
  pace.giveBack()
  assert.equal(pace.take(2), true)
})
