import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, quantile, rounded } from './statistics.ts'

test('a quantile is a value that was measured, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.equal(quantile(hundred, 0.5), 50)
  assert.equal(quantile(hundred, 0.99), 99)
  assert.equal(quantile(hundred, 1), 100)
  assert.equal(quantile([7], 0.99), 7)
  assert.equal(quantile([1, 10, 2], 0), 1)
  assert.ok(Number.isNaN(quantile([], 0.5)))
})

test('numbers are compared as numbers', () => {
  assert.equal(median([10, 9, 100]), 10)
})

test('rounding keeps numbers', () => {
  assert.equal(rounded(1.23456), 1.235)
  assert.equal(rounded(1.5, 0), 2)
})
