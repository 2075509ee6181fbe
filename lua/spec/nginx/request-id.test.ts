/** Identifiers of requests that bring none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve } from './harness.ts'

const ROUNDS = 15
const AT_ONCE = 40

everySetup('request ids', (setup) => {
  test('each request has another one, of 32 hexadecimal digits', async (t) => {
    const { plane, http } = await serve(t, setup, { variables: ['new_id'], extra: 'add_header X-Id $new_id;' })
    const web = await backend(t, 'web')
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    const ids: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(http)))
      ids.push(...replies.map(({ headers }) => String(headers['x-id'])))
    }
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
    assert.equal(new Set(ids).size, ids.length)
    // People sample by the last digits: each of the sixteen comes up.
    assert.equal(new Set(ids.map((id) => id.at(-1))).size, 16)
    const workers = new Set(ids.map((id) => id.slice(0, 24)))
    assert.ok(workers.size <= setup.workers, `${workers.size} beginnings`)
    assert.deepEqual(plane.errors(), [])
  })
})
