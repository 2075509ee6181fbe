/** `UPDATE_GOLDEN=1` writes the tables of the documentation anew. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { missingTables, withTables } from './reference.ts'

const FILES = ['annotations.md', 'control-api.md', 'differences.md', 'services.md'].map((name) => join(import.meta.dirname, '../../docs', name))

test('the documentation lists what is supported, no more and no less', () => {
  for (const file of FILES) {
    const document = readFileSync(file, 'utf8')
    const made = withTables(document)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, made)
    else assert.equal(document, made, `${file}: UPDATE_GOLDEN=1 makes the tables anew`)
  }
  assert.deepEqual(missingTables(FILES.map((file) => readFileSync(file, 'utf8'))), [])
})
