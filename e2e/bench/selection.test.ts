import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BenchError } from './options.ts'
import { selected } from './selection.ts'

const ALL = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]

test('without a name everything is taken, with names those, in the order that there is', () => {
  assert.deepEqual(selected(ALL, []), ALL)
  assert.deepEqual(selected(ALL, ['c', 'a']), [{ name: 'a' }, { name: 'c' }])
})

test('a name that is not there is said', () => {
  assert.throws(() => selected(ALL, ['a', 'd']), new BenchError('--only: there is no d; there are a, b, c'))
})
