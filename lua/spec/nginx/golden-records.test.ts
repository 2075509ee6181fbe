/** What the translation makes is what the data plane takes: the records of every golden case, pushed. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { start, variants, type Json } from './harness.ts'

const ROOT = join(import.meta.dirname, '../../../sidecar/testdata')

/** Without certificates and users: a golden case holds no secret. */
function recordsOf(name: string): Json {
  const all = JSON.parse(readFileSync(join(ROOT, name, 'records.json'), 'utf8')) as Json
  return Object.fromEntries(Object.entries(all).filter(([key]) => !/^(certificate|htpasswd)[/]/.test(key)))
}

for (const variant of variants()) {
  describe(`golden records: ${variant}`, () => {
    test('none is refused', async (t) => {
      const plane = await start(variant)
      t.after(async () => {
        await plane.stop()
        await rm(plane.folder, { recursive: true, force: true })
      })
      for (const name of readdirSync(ROOT)) {
        const { status, body } = await plane.call('PUT', '/v1/records', { set: recordsOf(name) })
        assert.equal(status, 200, name)
        assert.deepEqual(body.rejected, {}, name)
      }
    })
  })
}
