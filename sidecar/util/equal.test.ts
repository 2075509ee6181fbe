import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../testing/property.ts'
import { canonicalJson } from './canonical.ts'
import { isEqual } from './equal.ts'

test('equal means: the same canonical JSON', () => {
  // Few values, so that equal ones are common.
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(null, true, false, 0, 1, '', 'a'),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'toString', '0'), tie('value'), { maxKeys: 2, noNullPrototype: true }),
    ),
  })).value
  fc.assert(fc.property(value, value, (left, right) => {
    assert.equal(isEqual(left, right), canonicalJson(left) === canonicalJson(right))
    assert.ok(isEqual(left, structuredClone(left)))
  }))
})

test('the order of members does not count, that of items does', () => {
  assert.ok(isEqual({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }))
  assert.ok(!isEqual([1, 2], [2, 1]))
  assert.ok(!isEqual([], {}))
  assert.ok(!isEqual({ a: undefined }, { b: undefined }))
})
