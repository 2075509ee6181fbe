/** `UPDATE_GOLDEN=1` writes the tables of docs/annotations.md anew. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withTables } from './reference.ts'

const FILE = join(import.meta.dirname, '../../docs/annotations.md')

test('docs/annotations.md lists what is supported, no more and no less', () => {
  const document = readFileSync(FILE, 'utf8')
  const made = withTables(document)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(FILE, made)
  else assert.equal(document, made, 'UPDATE_GOLDEN=1 makes the tables anew')
})
