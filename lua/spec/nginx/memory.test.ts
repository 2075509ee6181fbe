/** What a worker holds is bounded by what there is, not by how often it changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { serve, variants } from './harness.ts'
import { answers, peer } from './peers.ts'

const MEMORY = `location = /memory {
  content_by_lua_block { collectgarbage() collectgarbage() ngx.say(collectgarbage("count")) }
}`

for (const variant of variants()) {
  test(`memory: ${variant}: routes that change in front of endpoints that stay`, async (t) => {
    const { plane, http } = await serve(t, { variant, workers: 1, reloaded: false }, { extra: MEMORY })
    const { port } = await peer(t, answers())
    const change = async (tries: number): Promise<void> => {
      await plane.put({
        'backend/test/web/80': endpoints(['127.0.0.1', port]),
        'host/default/a.example': host([route({ policies: { retries: { tries } } })]),
      })
      assert.equal((await ask(http)).text, 'ok')
    }
    const kilobytesAfter = async (changes: number): Promise<number> => {
      for (let i = 0; i < changes; i += 1) await change(1 + i % 5)
      return Number((await ask(http, { path: '/memory' })).text)
    }
    const before = await kilobytesAfter(300)
    assert.ok(await kilobytesAfter(600) < before + 64)
  })
}
