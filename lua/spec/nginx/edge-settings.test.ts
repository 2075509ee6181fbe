/** Settings of the ConfigMap that NGINX itself acts on, in a configuration as it is really rendered. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { DEFAULT_SETTINGS, type Settings } from '../../../sidecar/ir/settings.ts'
import { renderConfig } from '../../../sidecar/nginx/render.ts'
import { translateConfigMap } from '../../../sidecar/source/configmap/translate.ts'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask } from './client.ts'
import { freePort, start, until, variants, type Variant } from './harness.ts'

/** What the ConfigMap is read as, without a finding. */
function settings(data: Readonly<Record<string, string>>): Settings {
  const metadata = { namespace: 'ops', name: 'settings' }
  const reading = translateConfigMap({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  assert.deepEqual(reading.findings, [])
  return { ...DEFAULT_SETTINGS, ...reading.settings }
}

interface Served {
  readonly http: string
  readonly httpsPort: number
  readonly log: () => string
}

/** Its backend answers with the headers that it gets. */
async function serve(t: TestContext, variant: Variant, data: Readonly<Record<string, string>>): Promise<Served> {
  const plane = await start(variant)
  t.after(async () => {
    await plane.stop()
    await rm(plane.folder, { recursive: true, force: true })
  })
  const path = join(plane.folder, 'access.log')
  // NGINX makes a file of its own when it loads the configuration.
  rmSync(path)
  const listeners = { addresses: [], httpPort: await freePort(), httpsPort: await freePort() }
  const { capabilities } = await plane.status()
  const answer = await plane.call('PUT', '/v1/config', renderConfig({ settings: settings(data), classes: [], listeners, capabilities }).text)
  assert.equal(answer.status, 200, answer.text)
  const echo = await backend(t, 'echo', (request, response) => response.end(JSON.stringify(request.headers)))
  await plane.put({
    'setting/global': withDigest({ body_size: { max: 1024 ** 2 } }),
    'certificate/default': certificate('default'),
    'backend/test/web/80': endpoints(echo),
    'host/default/a.example': host([route()]),
  })
  return {
    http: `http://127.0.0.1:${listeners.httpPort}`,
    httpsPort: listeners.httpsPort,
    log: () => (existsSync(path) ? readFileSync(path, 'utf8') : ''),
  }
}

function shake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'a.example', rejectUnauthorized: false, ...options }, () => resolve(socket))
    socket.on('error', reject)
  })
}

async function suite(port: number, options: ConnectionOptions): Promise<string> {
  const socket = await shake(port, options)
  const { name } = socket.getCipher()
  socket.destroy()
  return name
}

for (const variant of variants()) {
  describe(`settings of NGINX: ${variant}`, () => {
    test('logs, addresses, headers and request ids', async (t) => {
      const { http, log } = await serve(t, variant, {
        'bind-address': '127.0.0.1, ::1',
        'disable-ipv6': 'true',
        'error-log-level': 'warn',
        'debug-connections': '198.18.0.0/24',
        'max-worker-open-files': '1024',
        'worker-processes': '2',
        'worker-cpu-affinity': '01 10',
        'skip-access-log-urls': `/healthz, /${'x'.repeat(200)}`,
        'enable-access-log-for-default-backend': 'false',
        'log-format-upstream': '[$remote_addr $request_uri $req_id]',
        'generate-request-id': 'false',
        'enable-underscores-in-headers': 'true',
        'enable-real-ip': 'true',
        'forwarded-for-header': 'X-Client-IP',
        'proxy-real-ip-cidr': '127.0.0.0/8',
      })
      for (const other of ['127.0.0.2', '[::1]']) {
        await assert.rejects(ask(http.replace('127.0.0.1', other), { host: 'a.example' }))
      }
      const headers = { x_tenant: 'blue', 'x-client-ip': '198.18.0.9', 'x-forwarded-proto': 'https' }
      const seen = JSON.parse((await ask(http, { host: 'a.example', path: '/healthz', headers })).text) as Record<string, string>
      assert.equal(seen.x_tenant, 'blue')
      assert.equal(seen['x-request-id'], undefined)
      assert.equal(seen['x-real-ip'], '198.18.0.9')
      assert.equal(seen['x-forwarded-proto'], 'http')
      assert.equal((await ask(http, { host: 'b.example', path: '/unknown' })).status, 404)
      const withId = { ...headers, 'x-request-id': 'of-the-client' }
      const other = JSON.parse((await ask(http, { host: 'a.example', path: '/healthz?x', headers: withId })).text) as Record<string, string>
      assert.equal(other['x-request-id'], 'of-the-client')
      await until('the second request is logged', () => log() === '[198.18.0.9 /healthz?x of-the-client]\n')
    })

    test('ciphers, suites and groups of TLS, and sessions', async (t) => {
      const { httpsPort } = await serve(t, variant, {
        'ssl-ciphers': 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384',
        'ssl-ecdh-curve': 'P-384:X25519',
        'ssl-buffer-size': '4k',
        'ssl-session-cache': 'false',
        'ssl-session-timeout': '5m',
      })
      assert.equal(await suite(httpsPort, {}), 'TLS_AES_128_GCM_SHA256')
      await assert.rejects(suite(httpsPort, { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384' }))
      const old = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305' } as const
      assert.equal(await suite(httpsPort, old), 'ECDHE-ECDSA-CHACHA20-POLY1305')
      await assert.rejects(suite(httpsPort, { ecdhCurve: 'prime256v1' }))
      const first = await shake(httpsPort, old)
      const session = first.getSession()
      first.destroy()
      const second = await shake(httpsPort, { ...old, ...(session === undefined ? {} : { session }) })
      assert.equal(second.isSessionReused(), false)
      second.destroy()
    })
  })
}
