/** Who answers where no backend does, and whose pages errors have. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend, type Backend, type Handler } from './backends.ts'
import { ask, raw } from './client.ts'
import { everyVariant, type Variant } from './harness.ts'
import { HOST, ingress, proxy, service, site, type Site } from './manifests.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'

/** Answers with the status that the query asks for. */
const asAsked: Handler = (request, response) => {
  request.resume()
  response.statusCode = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('status') ?? 200)
  response.end('from web')
}

/** Says what it was asked, with the status of the error, as the images for ingress-nginx do. */
const page: Handler = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.statusCode = Number(request.headers['x-code'] ?? 200)
    const { method, url, headers } = request
    response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }))
  })
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Pages extends Site {
  readonly web: Backend
  readonly pages: Backend
}

interface Parts {
  readonly annotations: Readonly<Record<string, string>>
  readonly answer?: Handler
  readonly pages?: Handler
  /** Without any, the Service has no endpoint. */
  readonly peers?: readonly Backend[]
}

function annotated(annotations: Readonly<Record<string, string>>): { annotations: Record<string, string> } {
  return { annotations: Object.fromEntries(Object.entries(annotations).map(([name, text]) => [`${PREFIX}/${name}`, text])) }
}

function settings(data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'resty-ingress', name: 'resty-ingress' }, data } as KubeObject
}

/** An Ingress of the Service `web`, with the Service `pages` beside it. */
async function begin(t: TestContext, variant: Variant, parts: Parts): Promise<Pages> {
  const { annotations, answer, pages: pageOf, peers } = parts
  const web = await backend(t, 'web', answer ?? asAsked)
  const pages = await backend(t, 'pages', pageOf ?? page)
  const served = await site(t, variant)
  const main = ingress('web', annotated(annotations))
  assert.deepEqual(await served.apply([...service('web', {}, ...(peers ?? [web])), ...service('pages', {}, pages), main]), [])
  return { ...served, web, pages }
}

const BOTH = { 'custom-http-errors': '404,418,503', 'default-backend': 'pages' }

everyVariant('custom errors', ({ variant }) => {
  test('an error of the list has the page of the default backend, which is told of it', async (t) => {
    const { http, plane } = await begin(t, variant, { annotations: BOTH })
    const headers = { accept: 'application/json', 'x-code': '999', 'x-namespace': 'forged', 'if-none-match': 'x', range: 'bytes=0-1' }
    const { status, text } = await ask(http, { path: '/a%20b?status=404', method: 'POST', body: 'secret', headers })
    assert.equal(status, 404)
    const asked = JSON.parse(text) as Asked
    assert.deepEqual([asked.method, asked.body, asked.headers['host']], ['GET', '', HOST])
    assert.equal(asked.url.split('?')[0], '/')
    const told = ['code', 'format', 'original-uri', 'namespace', 'ingress-name', 'service-name', 'service-port']
    assert.deepEqual(told.map((name) => asked.headers[`x-${name}`]), ['404', 'application/json', '/a%20b?status=404', 'prod', 'web', 'web', '80'])
    assert.match(String(asked.headers['x-request-id']), /^[0-9a-f]{32}$/)
    assert.deepEqual(['content-length', 'transfer-encoding', 'if-none-match', 'range'].map((name) => asked.headers[name]), Array(4).fill(undefined))
    assert.equal((await ask(http, { path: '/?status=418' })).status, 418)
    assert.deepEqual(plane.errors(), [])
  })

  test('others pass as they are', async (t) => {
    const { http, pages } = await begin(t, variant, { annotations: BOTH })
    for (const code of [200, 403, 500, 502, 504]) {
      const { status, text } = await ask(http, { path: `/?status=${code}` })
      assert.deepEqual([status, text], [code, 'from web'])
    }
    assert.equal(pages.requests, 0)
  })

  test('the client gets the status that the default backend answers with', async (t) => {
    const { http } = await begin(t, variant, { annotations: BOTH, pages: (_, response) => response.end('sorry') })
    const { status, text } = await ask(http, { path: '/?status=404' })
    assert.deepEqual([status, text], [200, 'sorry'])
  })

  test('errors of the default backend are final', async (t) => {
    const failing: Handler = (request, response) => {
      if (request.headers['x-code'] === '404') response.writeHead(404).end('page itself')
      else request.socket.destroy()
    }
    const { http, web } = await begin(t, variant, {
      annotations: { ...BOTH, 'custom-http-errors': '404,418,502,503' }, pages: failing,
    })
    assert.deepEqual((({ status, text }) => [status, text])(await ask(http, { path: '/?status=404' })), [404, 'page itself'])
    const broken = await ask(http, { path: '/?status=503' })
    assert.deepEqual([broken.status, broken.text], [502, '502 Bad Gateway\n'])
    assert.equal(web.requests, 2)
  })

  test('without a default backend: plain pages', async (t) => {
    const { http, plane } = await begin(t, variant, { annotations: { 'custom-http-errors': '400,404,418' } })
    for (const [code, text] of [[404, '404 Not Found\n'], [400, '400 Bad Request\n'], [418, '418\n']] as const) {
      const answer = await ask(http, { path: `/?status=${code}` })
      assert.deepEqual([answer.status, answer.text], [code, text])
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('also errors that NGINX makes: an endpoint that closes, a body that is too long', async (t) => {
    const { http } = await begin(t, variant, {
      annotations: { ...BOTH, 'custom-http-errors': '413,502', 'proxy-body-size': '1k', 'proxy-next-upstream-tries': '1' },
      answer: (request) => request.socket.destroy(),
    })
    const broken = await ask(http, { path: '/x' })
    assert.deepEqual([broken.status, (JSON.parse(broken.text) as Asked).headers['x-code']], [502, '502'])
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 4; i += 1) yield Buffer.alloc(1024)
    }
    for (const body of [Buffer.alloc(4096), chunks()]) {
      const large = await ask(http, { method: 'POST', body })
      assert.deepEqual([large.status, (JSON.parse(large.text) as Asked).headers['x-code']], [413, '413'])
    }
  })

  test('CORS and changed headers hold on these pages, too', async (t) => {
    const { http } = await begin(t, variant, { annotations: { ...BOTH, 'enable-cors': 'true', 'rewrite-target': '/new' } })
    const { status, headers, text } = await ask(http, { path: '/?status=404', headers: { origin: 'https://app.example' } })
    assert.equal(status, 404)
    assert.equal(headers['access-control-allow-origin'], '*')
    assert.equal((JSON.parse(text) as Asked).url.split('?')[0], '/')
  })

  test('by HEAD, and over HTTP/1.0', async (t) => {
    const { http } = await begin(t, variant, { annotations: BOTH })
    const head = await raw(http, `HEAD /?status=404 HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)
    assert.match(head, /^HTTP\/1\.1 404 [^]*\r\n\r\n$/)
    assert.match(await raw(http, `GET /?status=404 HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`), /^HTTP\/1\.1 404 [^]*"x-code":"404"/)
  })

  test('errors of NGINX that are not in the list have a line of text, as everywhere', async (t) => {
    const annotations = { ...BOTH, 'proxy-body-size': '1k' }
    const { http } = await begin(t, variant, { annotations, answer: (request) => request.socket.destroy() })
    const { status, text, headers } = await ask(http)
    assert.deepEqual([status, text, headers['content-type']], [502, '502 Bad Gateway\n', 'text/plain'])
    assert.equal((await ask(http, { method: 'POST', body: Buffer.alloc(4096) })).text, '413 Content Too Large\n')
  })

  test('as the ConfigMap has it, and as an Ingress says otherwise', async (t) => {
    const web = await backend(t, 'web', asAsked)
    const pages = await backend(t, 'pages', page)
    const served = await site(t, variant, { defaultBackendService: 'prod/pages' })
    const services = ['web', 'other'].flatMap((name) => service(name, {}, web))
    const ingresses = [ingress('web'), ingress('other', annotated({ 'custom-http-errors': '500' }), ['/other'])]
    const all = [...services, ...service('pages', {}, pages), settings({ 'custom-http-errors': '404' }), ...ingresses]
    assert.deepEqual(await served.apply(all), [])
    assert.match((await ask(served.http, { path: '/?status=404' })).text, /"x-code":"404"/)
    assert.equal((await ask(served.http, { path: '/?status=500' })).text, 'from web')
    assert.equal((await ask(served.http, { path: '/other?status=404' })).text, 'from web')
    assert.match((await ask(served.http, { path: '/other?status=500' })).text, /"x-code":"500"/)
  })

  test('as a Proxy spells it', async (t) => {
    const web = await backend(t, 'web', asAsked)
    const pages = await backend(t, 'pages', page)
    const served = await site(t, variant)
    const backends = [{ service: 'web', port: 80 }]
    const rules = [
      { path: { value: '/a' }, backends, defaultBackend: { service: 'pages' }, customHTTPErrors: [404] },
      { path: { value: '/b' }, backends },
    ]
    assert.deepEqual(await served.apply([...service('web', {}, web), ...service('pages', {}, pages), proxy('web', ...rules)]), [])
    assert.match((await ask(served.http, { path: '/a?status=404' })).text, /"x-service-name":"web"/)
    assert.equal((await ask(served.http, { path: '/b?status=404' })).text, 'from web')
  })
})

everyVariant('default backends', ({ variant }) => {
  test('a Service without endpoints has that of its route, with the request as it is and why it comes', async (t) => {
    const { http, web } = await begin(t, variant, { annotations: { 'default-backend': 'pages' }, peers: [] })
    const headers = { accept: 'application/json', 'x-code': '200', 'x-namespace': 'forged' }
    const { status, text } = await ask(http, { path: '/a?b', method: 'PUT', body: 'x', headers })
    const asked = JSON.parse(text) as Asked
    assert.deepEqual([status, asked.method, asked.url, asked.body], [503, 'PUT', '/a?b', 'x'])
    const told = ['code', 'format', 'namespace', 'ingress-name', 'service-name', 'service-port'].map((it) => asked.headers[`x-${it}`])
    assert.deepEqual(told, ['503', 'application/json', 'prod', 'web', 'web', '80'])
    assert.equal(web.requests, 0)
  })

  test('neither is asked while there are endpoints, nor does one without any help', async (t) => {
    const web = await backend(t, 'web')
    const served = await site(t, variant)
    const main = ingress('web', annotated({ 'default-backend': 'pages' }))
    await served.apply([...service('web'), ...service('pages'), main])
    assert.deepEqual((({ status, text }) => [status, text])(await ask(served.http)), [503, '503 Service Unavailable\n'])
    const pages = await backend(t, 'pages')
    await served.apply([...service('web', {}, web), ...service('pages', {}, pages), main])
    assert.match((await ask(served.http)).text, /^web /)
    assert.equal(pages.requests, 0)
  })

  test('of the controller: hosts and paths that nobody has, as long as it has endpoints', async (t) => {
    const web = await backend(t, 'web')
    const pages = await backend(t, 'pages')
    const served = await site(t, variant, { defaultBackendService: 'prod/pages' })
    const main = ingress('web', {}, ['/only'])
    await served.apply([...service('web', {}, web), ...service('pages', {}, pages), main])
    assert.match((await ask(served.http, { path: '/only' })).text, /^web /)
    for (const host of [HOST, 'unknown.example']) {
      assert.equal((await ask(served.http, { host, path: '/x?y' })).text, 'pages GET /x?y 0')
    }
    await served.apply([...service('web'), ...service('pages', {}, pages), main])
    assert.equal((await ask(served.http, { path: '/only' })).status, 503)
    await served.apply([...service('web', {}, web), ...service('pages'), main])
    for (const host of [HOST, 'unknown.example']) assert.equal((await ask(served.http, { host, path: '/x' })).status, 404)
    assert.match((await served.apply([...service('web', {}, web), main]))[0]?.message ?? '', /pages.*does not exist/)
    assert.equal((await ask(served.http, { path: '/x' })).status, 404)
  })
})
