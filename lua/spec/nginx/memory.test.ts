/** What a worker holds is bounded by what there is, not by how often it changed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { serve, variants, type Json } from './harness.ts'
import { answers, peer } from './peers.ts'

const MEMORY = `location = /memory {
  content_by_lua_block { collectgarbage() collectgarbage() ngx.say(collectgarbage("count")) }
}`

/** Kilobytes. What the JIT compiler makes on the way is less than a hundred; a target kept for each change is more. */
const SLACK = 256

interface Change {
  /** Policies of the route, another for each number. */
  readonly policies: (number: number) => Json
  readonly times: number
}

const CHANGES: Readonly<Record<string, Change>> = {
  'routes in front of endpoints that stay': { policies: (i) => ({ retries: { tries: 1 + i % 5 } }), times: 300 },
  'ways to choose an endpoint': {
    policies: (i) => ({ load_balance: { algorithm: 'maglev', key: [{ var: 'uri' }], slow_start: 1 + i } }), times: 20,
  },
}

for (const variant of variants()) {
  describe(`memory: ${variant}`, () => {
    for (const [name, { policies, times }] of Object.entries(CHANGES)) {
      test(`${name}, changed again and again`, async (t) => {
        const { plane, http } = await serve(t, { variant, workers: 1, reloaded: false }, { extra: MEMORY })
        const { port } = await peer(t, answers())
        let count = 0
        const change = async (): Promise<void> => {
          count += 1
          await plane.put({
            'backend/test/web/80': endpoints(['127.0.0.1', port]),
            'host/default/a.example': host([route({ policies: policies(count) })]),
            'host/default/memory.example': host([route()]),
          })
          assert.equal((await ask(http)).text, 'ok')
        }
        const kilobytesAfter = async (changes: number): Promise<number> => {
          for (let i = 0; i < changes; i += 1) await change()
          return Number((await ask(http, { host: 'memory.example', path: '/memory' })).text)
        }
        const before = await kilobytesAfter(times)
        assert.ok(await kilobytesAfter(2 * times) < before + SLACK)
      })
    }
  })
}
