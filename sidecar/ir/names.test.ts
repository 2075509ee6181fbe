/** Names of objects, and their texts in messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDnsName, isObjectName, quoted } from './names.ts'

test('names of objects: labels as long as the whole may be, unlike those of hosts', () => {
  for (const name of ['a', 'a.b-c.9', 'a'.repeat(253)]) assert.ok(isObjectName(name), name)
  for (const name of ['', 'A', '-a', 'a-', 'a..b', '.a', 'a.', 'a_b', 'a/b', 'a'.repeat(254)]) assert.ok(!isObjectName(name), name)
  assert.ok(isDnsName('a'.repeat(63)))
  assert.ok(!isDnsName('a'.repeat(64)))
})

test('quoted: one line of bounded length, and no passwords of URLs', () => {
  assert.equal(quoted('a\nb'), '"a\\nb"')
  assert.equal(quoted(undefined), 'nothing')
  assert.equal(quoted('x'.repeat(100)), `"${'x'.repeat(79)}…`)
  assert.equal(quoted('http://alice:s3cret@a.example/x'), '"http://[redacted]@a.example/x"')
  assert.equal(quoted(`https://u:${'p'.repeat(100)}@a.example`), '"https://[redacted]@a.example"')
  assert.equal(quoted('http://a.example/@b'), '"http://a.example/@b"')
})
