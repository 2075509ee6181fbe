/** The access log as the administrator formats it, in configurations as they are really rendered. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { LOG_VARIABLES, logFormat, type LogFormat } from '../../../sidecar/ir/log-format.ts'
import { DEFAULT_SETTINGS, type Settings } from '../../../sidecar/ir/settings.ts'
import { locationClass, type LocationClass } from '../../../sidecar/policy/set/effects.ts'
import { renderConfig } from '../../../sidecar/nginx/render.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { statusAtEnd } from './client.ts'
import { freePort, start, variants, type DataPlane, type Json, type Variant } from './harness.ts'

function format(text: string): LogFormat {
  const parsed = logFormat(text)
  assert.ok('value' in parsed, `refused: ${text}`)
  return parsed.value
}

interface Logging {
  readonly http: string
  readonly plane: DataPlane
  readonly log: () => string
}

/** NGINX with a configuration as it is rendered for these settings, and its access log. */
async function serve(
  t: TestContext,
  variant: Variant,
  settings: Partial<Settings>,
  classes: readonly LocationClass[] = [],
): Promise<Logging> {
  const plane = await start(variant)
  t.after(() => plane.stop())
  const path = join(plane.folder, 'access.log')
  // NGINX makes a file of its own when it loads the configuration.
  rmSync(path)
  const listeners = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: await freePort() }
  const { capabilities } = await plane.status()
  const config = renderConfig({ settings: { ...DEFAULT_SETTINGS, ...settings }, classes, listeners, capabilities })
  const answer = await plane.call('PUT', '/v1/config', config.text)
  assert.equal(answer.status, 200, answer.text)
  return { http: `http://127.0.0.1:${listeners.httpPort}`, plane, log: () => (existsSync(path) ? readFileSync(path, 'utf8') : '') }
}

async function ask({ http }: Logging, path: string): Promise<number> {
  return statusAtEnd(http, { path, headers: { 'user-agent': 'with "quotes"' } })
}

const GLOBAL = { digest: 'g', body_size: { max: 1024 ** 2 } }

/** The lines that the log has after one request, of a controller with these settings; `more`: of the route. */
async function logged(t: TestContext, variant: Variant, settings: Partial<Settings>, more = {}): Promise<string> {
  const logging = await serve(t, variant, settings)
  await logging.plane.put({
    'host/default/a.example': host([route({ path: '/shop', ...more })]),
    'backend/test/web/80': endpoints(await backend(t, 'web')),
    'setting/global': GLOBAL,
  })
  await ask(logging, '/shop/cart?q=1')
  return logging.log()
}

for (const variant of variants()) {
  describe(`access log, ${variant}`, () => {
    test('as ingress-nginx writes it', async (t) => {
      const line = await logged(t, variant, {})
      const client = String.raw`127\.0\.0\.1 - - \[[^\]]+\] "GET /shop/cart\?q=1 HTTP/1\.1" 200 \d+ "-" "with \\x22quotes\\x22"`
      const upstream = String.raw`\[test-web-80\] \[\] 127\.0\.0\.1:\d+ \d+ [\d.]+ 200 [0-9a-f]{32}`
      const fields = new RegExp(String.raw`^${client} \d+ [\d.]+ ${upstream}\n$`)
      assert.match(line, fields)
    })

    test('as JSON, with the names of the route', async (t) => {
      const text =
        '{"ns": "$namespace", "ingress": "$ingress_name", "service": "$service_name", "port": "$service_port", ' +
        '"path": "$location_path", "agent": "$http_user_agent", "upstream": "$proxy_upstream_name", "code": $status}'
      const line = await logged(t, variant, { logFormat: format(text), logFormatEscapeJson: true })
      assert.deepEqual(JSON.parse(line), {
        ns: 'test', ingress: 'demo', service: 'web', port: '80', path: '/shop', agent: 'with "quotes"',
        upstream: 'test-web-80', code: 200,
      })
    })

    test('a request that is answered without a backend has the names of its route', async (t) => {
      const settings = { logFormat: format('$namespace $ingress_name $location_path $status') }
      assert.equal(await logged(t, variant, settings, { closed: 'for the test' }), 'test demo /shop 503\n')
    })

    test('a route without an access log has no line, wherever its requests are answered; others do', async (t) => {
      const policies = { access_log: { on: false } }
      const quiet = locationClass(policies, DEFAULT_SETTINGS)
      assert.ok(quiet !== undefined)
      const logging = await serve(t, variant, { logFormat: format('$request_uri $status') }, [quiet])
      const silent = (path: string, more = {}): Json =>
        route({ path, class: quiet.name, policies: { access_log: { off: true }, ...more } })
      await logging.plane.put({
        'host/default/a.example': host([
          silent('/quiet'),
          silent('/moved', { redirect: { code: 302, location: [{ text: '/quiet' }] } }),
          { ...silent('/empty'), backends: [{ backend: 'backend/test/none/80', weight: 1 }] },
          route({ path: '/loud' }),
        ]),
        'backend/test/web/80': endpoints(await backend(t, 'web')),
        'setting/global': GLOBAL,
      })
      const statuses: number[] = []
      for (const path of ['/quiet/a', '/moved', '/empty', '/loud', '/unknown']) statuses.push(await ask(logging, path))
      assert.deepEqual(statuses, [200, 302, 503, 200, 404])
      assert.equal(logging.log(), '/loud 200\n/unknown 404\n')
    })

    test('every known variable can be written, in the longest format', async (t) => {
      const names = [...LOG_VARIABLES, 'http_x', 'sent_http_x', 'upstream_http_x', 'upstream_cookie_x', 'cookie_x', 'arg_x']
      const text = names.map((name) => `\${${name}}`).join("'").padEnd(4096, "'")
      assert.match(await logged(t, variant, { logFormat: format(text) }), /'''''\n$/)
    })
  })
}
