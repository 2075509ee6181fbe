/** From the annotation `conf` of a Service to what backends and clients see. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { backend } from './backends.ts'
import { ask } from './client.ts'
import { variants } from './harness.ts'
import { ingress, service, site } from './manifests.ts'

for (const variant of variants()) {
  describe(`conf of a Service: ${variant}`, () => {
    test('answers of every route to it carry the id of the request', async (t) => {
      const web = await backend(t, 'web', (request, response) => response.end(String(request.headers['x-request-id'])))
      const { http, apply } = await site(t, variant)
      const conf = 'more_set_headers "Request-Id: $req_id";\n'
      const findings = await apply([...service('web', { annotations: { conf } }, web), ingress('web', {}, ['/', '/more'])])
      assert.deepEqual(findings, [])
      for (const path of ['/', '/more/x']) {
        const answer = await ask(http, { path })
        assert.equal(answer.status, 200)
        assert.match(answer.text, /^[0-9a-f]{32}$/)
        assert.equal(answer.headers['request-id'], answer.text)
      }
      const own = await ask(http, { headers: { 'x-request-id': 'mine' } })
      assert.equal(own.headers['request-id'], 'mine')
    })
  })
}
