/** No backend sends a request on to another location: a redirect inside NGINX is no part of an answer. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../../sidecar/ir/settings.ts'
import { renderConfig } from '../../../sidecar/nginx/render.ts'
import { endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { freePort, start, variants } from './harness.ts'
import { peer, says } from './peers.ts'

const PLACES = ['/other', '@watched', '@error_502', '//error_400']

for (const variant of variants()) {
  describe(`X-Accel-Redirect, ${variant}`, () => {
    for (const algorithm of ['round_robin', 'least_request']) {
      test(`of a backend balanced by ${algorithm}`, async (t) => {
        const nginx = await start(variant)
        t.after(() => nginx.stop())
        const listeners = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: await freePort() }
        const { capabilities } = await nginx.status()
        const config = renderConfig({ settings: DEFAULT_SETTINGS, classes: [], listeners, capabilities })
        assert.equal((await nginx.call('PUT', '/v1/config', config.text)).status, 200)
        for (const place of PLACES) {
          const answer = `HTTP/1.1 200 OK\r\nX-Accel-Redirect: ${place}\r\nContent-Length: 2\r\n\r\nok`
          const { port } = await peer(t, says(answer))
          await nginx.put({
            'host/default/a.example': host([route({ policies: { load_balance: { algorithm } } })]),
            'backend/test/web/80': endpoints(['127.0.0.1', port]),
          })
          const { status, text, headers } = await ask(`http://127.0.0.1:${listeners.httpPort}`)
          assert.deepEqual([status, text, headers['x-accel-redirect']], [200, 'ok', undefined], place)
        }
        assert.deepEqual(nginx.errors(), [])
      })
    }
  })
}
