import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellDate } from './date.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 2, 3)

test('the date is told each hour, and soon after it was set', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let date = START
  const told: number[] = []
  const stop = tellDate((now) => told.push(now.getTime()), () => new Date(date))
  for (let minute = 1; minute <= 60; minute += 1) {
    date = START + minute * MINUTE
    t.mock.timers.tick(MINUTE)
  }
  assert.deepEqual(told, [START, START + HOUR])
  for (const set of [START - 24 * HOUR, START + 24 * HOUR]) {
    told.length = 0
    date = set
    t.mock.timers.tick(2 * MINUTE)
    assert.deepEqual(told, [set])
  }
  stop()
  date = START
  t.mock.timers.tick(HOUR)
  assert.deepEqual(told, [START + 24 * HOUR])
})
