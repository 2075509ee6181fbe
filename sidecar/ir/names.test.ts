/** Texts of objects in messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quoted } from './names.ts'

test('quoted: one line of bounded length, and no passwords of URLs', () => {
  assert.equal(quoted('a\nb'), '"a\\nb"')
  assert.equal(quoted(undefined), 'nothing')
  assert.equal(quoted('x'.repeat(100)), `"${'x'.repeat(79)}…`)
  assert.equal(quoted('http://alice:s3cret@a.example/x'), '"http://[redacted]@a.example/x"')
  assert.equal(quoted(`https://u:${'p'.repeat(100)}@a.example`), '"https://[redacted]@a.example"')
  assert.equal(quoted('http://a.example/@b'), '"http://a.example/@b"')
})
