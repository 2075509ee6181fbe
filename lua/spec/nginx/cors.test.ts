/** Cross-origin requests: who gets which headers, and what becomes of preflights. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { backend, type Backend, type Handler } from './backends.ts'
import { ask, type Reply } from './client.ts'
import { everyVariant, type Variant } from './harness.ts'
import { ingress, service, site } from './manifests.ts'

interface Served {
  readonly web: Backend
  /** Of a page of this origin; undefined: of none. */
  ask(origin: string | undefined, method?: 'GET' | 'OPTIONS' | 'POST' | 'PUT', body?: Buffer): Promise<Reply>
}

/** An Ingress with these annotations of `cors-...`. */
async function serve(
  t: TestContext, variant: Variant, cors: Record<string, string>, answer?: Handler,
): Promise<Served> {
  const web = await backend(t, 'web', answer)
  const { http, apply } = await site(t, variant)
  const prefix = 'nginx.ingress.kubernetes.io/'
  const annotations = Object.fromEntries(Object.entries({ 'enable-cors': 'true', ...cors }).map(([name, text]) => [prefix + name, text]))
  await apply([...service('web', {}, web), ingress('web', { annotations })])
  return {
    web,
    ask: (origin, method = 'GET', body) =>
      ask(http, { method, headers: origin === undefined ? {} : { origin }, ...(body === undefined ? {} : { body }) }),
  }
}

/** The CORS headers of an answer, without what they all begin with. */
function corsOf({ headers }: Reply): Readonly<Record<string, unknown>> {
  const prefix = 'access-control-'
  const named = Object.entries(headers).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(named.map(([name, value]) => [name.slice(prefix.length), value]))
}

const DEFAULTS = {
  'allow-methods': 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
  'allow-headers':
    'DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, Cache-Control, Content-Type, Range, Authorization',
  'allow-credentials': 'true',
  'max-age': '1728000',
}

everyVariant('CORS', ({ variant }) => {
  test('any origin: every answer says so, and no OPTIONS gets to a backend', async (t) => {
    const served = await serve(t, variant, {})
    const answer = await served.ask('https://app.example')
    assert.equal(answer.status, 200)
    assert.deepEqual(corsOf(answer), { 'allow-origin': '*', ...DEFAULTS })
    assert.equal(answer.headers['vary'], undefined)
    assert.deepEqual(corsOf(await served.ask(undefined)), { 'allow-origin': '*', ...DEFAULTS })
    const asked = served.web.requests
    const preflight = await served.ask('https://app.example', 'OPTIONS')
    assert.deepEqual([preflight.status, preflight.text, preflight.headers['content-length']], [204, '', undefined])
    assert.deepEqual(corsOf(preflight), { 'allow-origin': '*', ...DEFAULTS })
    assert.equal((await served.ask(undefined, 'OPTIONS')).status, 204)
    assert.equal(served.web.requests, asked)
  })

  test('origins are compared as a whole, a wildcard is one label', async (t) => {
    const served = await serve(t, variant, {
      'cors-allow-origin': 'https://app.example, https://*.b.example:8443, null',
      'cors-allow-credentials': 'false',
      'cors-expose-headers': 'X-One, X-Two',
    })
    for (const origin of ['https://app.example', 'https://a-1.b.example:8443', 'null']) {
      const answer = await served.ask(origin)
      const expected = { ...DEFAULTS, 'allow-credentials': undefined, 'allow-origin': origin, 'expose-headers': 'X-One, X-Two' }
      assert.deepEqual({ ...corsOf(answer), 'allow-credentials': corsOf(answer)['allow-credentials'] }, expected)
      assert.equal(answer.headers['vary'], 'Origin')
      assert.equal((await served.ask(origin, 'OPTIONS')).status, 204)
    }
    const strangers = [
      'http://app.example', 'xhttps://app.example', 'https://app.example.evil', 'https://app.example:443', 'https://APP.example',
      'https://b.example:8443', 'https://.b.example:8443', 'https://x.y.b.example:8443', 'https://x.b.example',
      'https://xb.example:8443', 'https://evil/.b.example:8443', '*', '', undefined,
    ]
    for (const origin of strangers) {
      const answer = await served.ask(origin)
      assert.deepEqual(corsOf(answer), {}, origin)
      assert.equal(answer.headers['vary'], 'Origin')
      const options = await served.ask(origin, 'OPTIONS')
      assert.match(options.text, /^web OPTIONS /, origin)
    }
  })

  test('what a backend says is replaced, its Vary stays', async (t) => {
    const varies: Readonly<Record<string, string | string[]>> = { GET: 'Accept-Encoding', PUT: ['Accept', 'Cookie'], POST: ['Accept', 'ORIGIN'] }
    const served = await serve(t, variant, { 'cors-allow-origin': 'https://app.example' }, (request, response) => {
      response.setHeader('Access-Control-Allow-Origin', 'https://other.example')
      response.setHeader('Access-Control-Expose-Headers', 'X-Own')
      response.setHeader('Vary', varies[request.method ?? ''] ?? '')
      response.end()
    })
    const answer = await served.ask('https://app.example')
    assert.deepEqual(corsOf(answer), { ...DEFAULTS, 'allow-origin': 'https://app.example', 'expose-headers': 'X-Own' })
    assert.equal(answer.headers['vary'], 'Accept-Encoding, Origin')
    assert.equal((await served.ask('https://app.example', 'PUT')).headers['vary'], 'Accept, Cookie, Origin')
    assert.deepEqual((await served.ask('https://app.example', 'POST')).headers['vary'], ['Accept', 'ORIGIN'])
  })

  test('pages of errors say it, too', async (t) => {
    const served = await serve(t, variant, {}, (request) => request.socket.destroy())
    const badGateway = await served.ask('https://app.example')
    assert.deepEqual([badGateway.status, corsOf(badGateway)['allow-origin']], [502, '*'])
    const tooLarge = await served.ask('https://app.example', 'POST', Buffer.alloc(2 * 1024 ** 2))
    assert.deepEqual([tooLarge.status, corsOf(tooLarge)['allow-origin']], [413, '*'])
  })

  test('none but bad origins: no headers at all, and the route is served', async (t) => {
    const served = await serve(t, variant, { 'cors-allow-origin': 'app.example, https://*' })
    const answer = await served.ask('https://app.example')
    assert.deepEqual([answer.status, corsOf(answer), answer.headers['vary']], [200, {}, undefined])
    assert.match((await served.ask('https://app.example', 'OPTIONS')).text, /^web OPTIONS /)
  })

  test('a preflight is answered before a redirect', async (t) => {
    const served = await serve(t, variant, { 'permanent-redirect': 'https://new.example/' })
    assert.equal((await served.ask('https://app.example', 'OPTIONS')).status, 204)
    const redirect = await served.ask('https://app.example')
    assert.deepEqual([redirect.status, corsOf(redirect)['allow-origin']], [301, '*'])
  })
})
