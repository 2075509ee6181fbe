/** What the ConfigMap says about answers of all routes, in configurations as they are really rendered. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Agent } from 'undici'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend, type Handler } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { everyVariant, type Variant } from './harness.ts'
import { ingress, service, site, type Site } from './manifests.ts'

/** Says the headers that the query has. */
const asAsked: Handler = (request, response) => {
  for (const [name, value] of new URL(request.url ?? '/', 'http://x').searchParams) response.setHeader(name, value)
  response.end('body '.repeat(200))
}

interface Answers extends Site {
  tls(what?: Ask): Promise<Reply>
  plain(what?: Ask): Promise<Reply>
}

interface Given {
  readonly settings?: Readonly<Record<string, string>>
  readonly conf?: string
  readonly annotations?: Readonly<Record<string, string>>
}

function configMap(data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'resty-ingress', name: 'resty-ingress' }, data }
}

/** One Service at `/web`, without a finding; both ports, the one of TLS with a certificate. */
async function answers(t: TestContext, variant: Variant, given: Given = {}): Promise<Answers> {
  const { settings = {}, conf, annotations = {} } = given
  const served = await site(t, variant)
  const web = await backend(t, 'web', asAsked)
  const says = conf === undefined ? {} : { annotations: { conf } }
  const objects = [configMap(settings), ...service('web', says, web), ingress('web', { annotations }, ['/web'])]
  assert.deepEqual(await served.apply(objects), [])
  const { revision: base } = await served.plane.status()
  const set = { 'certificate/default': certificate('a') }
  assert.equal((await served.plane.call('PATCH', '/v1/records', { base, set, delete: [] })).status, 200)
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  t.after(() => dispatcher.close())
  return {
    ...served,
    tls: (what = {}) => ask(served.https, { path: '/web', dispatcher, ...what }),
    plain: (what = {}) => ask(served.http, { path: '/web', ...what }),
  }
}

const HSTS = 'strict-transport-security'
const OWN = { path: `/web?${HSTS}=max-age%3D1` }
const DEFAULT = 'max-age=31536000; includeSubDomains'

everyVariant('Strict-Transport-Security', ({ variant }) => {
  const seen = async (of: Promise<Reply>): Promise<string | string[] | undefined> => (await of).headers[HSTS]

  test('over TLS, on answers of ours too, in place of what the backend says; over HTTP what that says', async (t) => {
    const { tls, plain } = await answers(t, variant)
    for (const what of [{}, OWN, { path: '/none' }, { host: 'unknown.example' }]) assert.equal(await seen(tls(what)), DEFAULT)
    for (const what of [{}, { path: '/none' }]) assert.equal(await seen(plain(what)), undefined)
    assert.equal(await seen(plain(OWN)), 'max-age=1')
  })

  test('as the ConfigMap says, or not at all', async (t) => {
    const settings = { 'hsts-max-age': '60', 'hsts-include-subdomains': 'false', 'hsts-preload': 'true' }
    assert.equal(await seen((await answers(t, variant, { settings })).tls(OWN)), 'max-age=60; preload')
    const { tls } = await answers(t, variant, { settings: { hsts: 'false' } })
    assert.deepEqual([await seen(tls()), await seen(tls(OWN))], [undefined, 'max-age=1'])
  })

  test('the scheme that a trusted proxy tells counts, and no other one', async (t) => {
    const headers = { 'x-forwarded-proto': 'https' }
    const settings = { 'use-forwarded-headers': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8' }
    const trusted = await answers(t, variant, { settings })
    assert.equal(await seen(trusted.plain({ headers })), DEFAULT)
    assert.equal(await seen(trusted.tls({ headers: { 'x-forwarded-proto': 'http' } })), undefined)
    assert.equal(await seen((await answers(t, variant)).plain({ headers })), undefined)
  })

  test('a route may say it otherwise, in answers of its own', async (t) => {
    const set = await answers(t, variant, { conf: 'more_set_headers "Strict-Transport-Security: max-age=5";' })
    for (const what of [{}, OWN]) assert.equal(await seen(set.tls(what)), 'max-age=5')
    assert.equal(await seen(set.tls({ path: '/none' })), DEFAULT)
    const cleared = await answers(t, variant, { conf: 'more_clear_headers Strict-*;' })
    for (const get of [cleared.tls, cleared.plain]) assert.equal(await seen(get(OWN)), undefined)
    const some = await answers(t, variant, { conf: 'more_set_headers -s 404 "Strict-Transport-Security: max-age=5";' })
    assert.equal(await seen(some.tls(OWN)), DEFAULT)
  })

  test('what a backend says is hidden without hiding ours, and other changes leave it alone', async (t) => {
    const hidden = await answers(t, variant, { conf: 'proxy_hide_header Strict-Transport-Security;' })
    assert.deepEqual([await seen(hidden.tls(OWN)), await seen(hidden.plain(OWN))], [DEFAULT, undefined])
    const other = await answers(t, variant, { conf: 'add_header X-Other a always;' })
    assert.deepEqual([await seen(other.tls(OWN)), await seen(other.plain(OWN))], [DEFAULT, 'max-age=1'])
  })
})

everyVariant('Server', ({ variant }) => {
  const names = async (of: Answers): Promise<unknown> => {
    const path = '/web?server=backend'
    return [(await of.plain({ path })).headers['server'], (await of.plain({ path: '/none' })).headers['server']]
  }

  test('is hidden, that of a backend too, unless the ConfigMap wants one', async (t) => {
    const shown = { 'server-tokens': 'true' }
    const passed = { 'allow-backend-server-header': 'true' }
    assert.deepEqual(await names(await answers(t, variant)), [undefined, undefined])
    assert.deepEqual(await names(await answers(t, variant, { settings: passed })), ['backend', undefined])
    const [proxied, own] = await names(await answers(t, variant, { settings: shown })) as string[]
    assert.match(`${proxied} ${own}`, /^\w+\/\d+[.]\S+ \w+\/\d+[.]/)
    assert.deepEqual(await names(await answers(t, variant, { settings: { ...shown, ...passed } })), ['backend', own])
  })
})

everyVariant('hide-headers', ({ variant }) => {
  test('backends do not say them, in any case of letters; what routes add stays', async (t) => {
    const longest = 'x'.repeat(46)
    const settings = { 'hide-headers': `X-Hidden, x-powered_by Strict-Transport-Security, ${longest}` }
    const { plain, tls } = await answers(t, variant, { settings, conf: 'add_header X-Hidden ours;' })
    const path = `/web?x-hidden=1&X-Shown=1&${longest}=1&${HSTS}=max-age%3D1`
    const { headers } = await plain({ path })
    assert.deepEqual([headers['x-hidden'], headers['x-shown'], headers[longest], headers[HSTS]], ['ours', '1', undefined, undefined])
    assert.equal((await tls({ path })).headers[HSTS], DEFAULT)
  })
})

everyVariant('gzip', ({ variant }) => {
  const encodings = async (of: Answers, types: readonly string[]): Promise<unknown> => {
    const headers = { 'accept-encoding': 'gzip' }
    return Promise.all(types.map(async (type) => (await of.plain({ path: `/web?content-type=${type}`, headers })).headers['content-encoding']))
  }

  test('off by default', async (t) => {
    assert.deepEqual(await encodings(await answers(t, variant), ['text/html']), [undefined])
  })

  test('answers of the types that ingress-nginx compresses, for clients that can read it', async (t) => {
    const served = await answers(t, variant, { settings: { 'use-gzip': 'true' } })
    const types = ['text/html', 'application/json', 'image/svg%2Bxml', 'image/png']
    assert.deepEqual(await encodings(served, types), ['gzip', 'gzip', 'gzip', undefined])
    const { headers, text } = await served.plain({ path: '/web?content-type=text/html' })
    assert.deepEqual([headers['content-encoding'], headers['vary'], text.length], [undefined, 'Accept-Encoding', 1000])
  })

  test('of other types, of a length', async (t) => {
    const longest = `a/${'b'.repeat(44)}`
    const settings = { 'use-gzip': 'true', 'gzip-level': '9', 'gzip-min-length': '1000', 'gzip-types': `Image/PNG text/html ${longest} image/png` }
    const types = ['text/html', 'image/png', longest, 'application/json']
    assert.deepEqual(await encodings(await answers(t, variant, { settings }), types), ['gzip', 'gzip', 'gzip', undefined])
    const larger = await answers(t, variant, { settings: { ...settings, 'gzip-min-length': '1001' } })
    assert.deepEqual(await encodings(larger, types), types.map(() => undefined))
    const all = await answers(t, variant, { settings: { 'use-gzip': 'true', 'gzip-types': '*' } })
    assert.deepEqual(await encodings(all, types), types.map(() => 'gzip'))
    const html = await answers(t, variant, { settings: { 'use-gzip': 'true', 'gzip-types': 'text/html' } })
    assert.deepEqual(await encodings(html, types), ['gzip', undefined, undefined, undefined])
  })
})

everyVariant('brotli', ({ variant }) => {
  test('goes before gzip where NGINX has the module, and changes nothing where it does not', async (t) => {
    const settings = { 'enable-brotli': 'true', 'use-gzip': 'true' }
    const served = await answers(t, variant, { settings })
    const hasModule = (await served.plane.status()).capabilities.brotli === true
    const asked = { path: '/web?content-type=text/html', headers: { 'accept-encoding': 'gzip, br' } }
    const { headers } = await served.plain(asked)
    assert.deepEqual([headers['content-encoding'], headers['vary']], [hasModule ? 'br' : 'gzip', 'Accept-Encoding'])
    const untouched = await served.plain({ ...asked, path: '/web?content-type=image/png' })
    assert.equal(untouched.headers['content-encoding'], undefined)
  })
})
