/** One proxied request, and the ways in which a request is not proxied. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { request } from 'undici'
import { backend, endpoints, host, route } from './backends.ts'
import { serve, variants } from './harness.ts'

for (const variant of variants()) {
  for (const workers of [1, 2]) {
    describe(`requests, ${variant}, ${workers} workers`, () => {
      test('a request reaches the endpoint of its route', async (t) => {
        const { plane, http } = await serve(t, variant, { workers })
        const web = await backend(t, 'web')
        assert.equal((await request(http, { headers: { host: 'a.example' } })).statusCode, 503)
        await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
        const answer = await request(`${http}/hello?x=1`, { headers: { host: 'a.example' } })
        assert.equal(answer.statusCode, 200)
        assert.equal(await answer.body.text(), 'web GET /hello?x=1 0')
        const missing = await request(http, { headers: { host: 'b.example' } })
        assert.equal(missing.statusCode, 404)
        assert.equal(await missing.body.text(), '404 Not Found\n')
        assert.deepEqual(plane.errors(), [])
      })
    })
  }
}
