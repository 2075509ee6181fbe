/** Changes of headers in answers, whoever made them, and what clients may put into them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { test } from 'node:test'
import { backend, type Handler } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask, raw, type Reply } from './client.ts'
import { everyVariant, until } from './harness.ts'
import { HOST, ingress, proxy, service, site, withConf, type ConfSite } from './manifests.ts'

/** Answers as the query says: status, type. */
const asAsked: Handler = (request, response) => {
  const query = new URL(request.url ?? '/', 'http://x').searchParams
  response.statusCode = Number(query.get('status') ?? 200)
  response.setHeader('Content-Type', query.get('type') ?? 'text/html; charset=utf-8')
  for (const [name, value] of query) if (name.startsWith('X-')) response.setHeader(name, value)
  response.setHeader('Set-Cookie', ['a=1', 'b=2'])
  response.end('body')
}

function rawRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: HOST, Connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Names and values as they stand in the answer, without its body. */
function headerLines(answer: string): readonly string[] {
  return (answer.split('\r\n\r\n')[0] ?? '').split('\r\n').slice(1)
}

/** The most that any worker ever had, in KiB. */
async function peakOf({ plane }: ConfSite): Promise<number> {
  const { workers } = await plane.status()
  return Math.max(...workers.map(({ pid }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])))
}

everyVariant('headers of answers', ({ variant }) => {
  test('what is added many times, and by clients, costs its length and not the square of it', async (t) => {
    const conf = Array.from({ length: 60 }, () => 'add_header X-Big $http_x_big;').join('\n')
    const served = await withConf(t, variant, conf)
    await served.ask()
    const before = await peakOf(served)
    const answer = await raw(served.http, rawRequest('/', { 'X-Big': 'x'.repeat(7500) }))
    assert.equal(headerLines(answer).filter((line) => line.startsWith('X-Big: ')).length, 60)
    assert.ok(await peakOf(served) < before + 6000)
  })

  test('by status and by media type', async (t) => {
    const { ask: get } = await withConf(t, variant, `
      more_set_headers -s '404 500' "X-Status: bad";
      more_set_headers -t 'text/html text/plain' "X-Type: text";
      more_set_headers -s 404 -t application/json "X-Both: yes";
      add_header X-Good yes;
      add_header X-All yes always;
    `, { answer: asAsked })
    const of = async (path: string): Promise<string> => {
      const { headers } = await get({ path })
      return ['status', 'type', 'both', 'good', 'all'].filter((name) => headers[`x-${name}`] !== undefined).join(' ')
    }
    assert.equal(await of('/'), 'type good all')
    assert.equal(await of('/?status=404'), 'status type all')
    assert.equal(await of('/?status=404&type=application/json'), 'status both all')
    assert.equal(await of('/?status=206&type=Text/Plain'), 'type good all')
    assert.equal(await of('/?status=302&type=image/png'), 'good all')
  })

  test('set, cleared, hidden and added; repeated headers stay as they are', async (t) => {
    const { http } = await withConf(t, variant, `
      more_clear_headers X-Powered-By X-Internal-*;
      more_set_headers "X-Internal-Kept: 1" "X_Under_Score: 1" "Content-Type: application/json";
      proxy_hide_header X-Hidden;
      add_header Set-Cookie c=3;
      add_header Link "</a>; rel=preload";
      add_header Link "</b>; rel=preload";
    `, { answer: asAsked })
    const path = '/?type=text/html&X-Powered-By=php&X-Internal-A=1&X-internal-b=2&X-Hidden=1&X-Shown=1'
    const lines = headerLines(await raw(http, rawRequest(path)))
    const named = (name: string): readonly string[] => lines.filter((line) => line.toLowerCase().startsWith(name))
    assert.deepEqual(named('set-cookie'), ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Set-Cookie: c=3'])
    assert.deepEqual(named('link'), ['Link: </a>; rel=preload', 'Link: </b>; rel=preload'])
    assert.deepEqual(named('x'), ['X-Shown: 1', 'X-Internal-Kept: 1', 'X_Under_Score: 1'])
    assert.deepEqual(named('content-type'), ['Content-Type: application/json'])
    assert.deepEqual(named('server'), [])
  })

  test('expires', async (t) => {
    const web = await backend(t, 'web', asAsked)
    const { http, apply } = await site(t, variant)
    const cacheOf = async (conf: string, path = '/'): Promise<readonly (string | string[] | undefined)[]> => {
      await apply([...service('web', { annotations: { conf: `${conf} add_header X-A 1;` } }, web), ingress('web')])
      const { headers } = await ask(http, { path })
      const seconds = (Date.parse(String(headers['expires'])) - Date.parse(String(headers['date']))) / 1000
      return [headers['cache-control'], Number.isNaN(seconds) ? undefined : String(seconds)]
    }
    assert.deepEqual(await cacheOf('expires 1h;'), ['max-age=3600', '3600'])
    assert.deepEqual(await cacheOf('expires -1;'), ['no-cache', '-1'])
    assert.deepEqual(await cacheOf('expires off;'), [undefined, undefined])
    assert.deepEqual(await cacheOf('expires 1h;', '/?status=404'), [undefined, undefined])
    assert.equal((await cacheOf('expires max;'))[0], 'max-age=315360000')
    assert.equal((await cacheOf('expires epoch;'))[0], 'no-cache')
    // A header that is added comes beside what expires says, one that is set before is replaced.
    assert.deepEqual((await cacheOf('add_header Cache-Control public; expires 60;'))[0], ['max-age=60', 'public'])
    assert.equal((await cacheOf('expires 60; more_set_headers "Cache-Control: private";'))[0], 'max-age=60')
  })

  test('also of what no backend answered', async (t) => {
    const conf = 'more_set_headers "X-More: 1"; add_header X-Always 1 always; add_header X-Good 1;'
    const headersOf = ({ headers }: Reply): string =>
      ['more', 'always', 'good'].filter((name) => headers[`x-${name}`] !== undefined).join(' ')
    const reset = await withConf(t, variant, conf, { answer: (request) => request.socket.destroy() })
    const badGateway = await reset.ask()
    assert.deepEqual([badGateway.status, headersOf(badGateway)], [502, 'more always'])
    const tooLarge = await reset.ask({ method: 'POST', body: Buffer.alloc(2 * 1024 ** 2) })
    assert.deepEqual([tooLarge.status, headersOf(tooLarge)], [413, 'more always'])
    const unavailable = await site(t, variant)
    await unavailable.apply([...service('web', { annotations: { conf } }), ingress('web')])
    const noEndpoint = await ask(unavailable.http)
    assert.deepEqual([noEndpoint.status, headersOf(noEndpoint)], [503, 'more always'])
    await unavailable.apply([...service('web', { annotations: { conf: `deny all; ${conf}` } }), ingress('web')])
    const closed = await ask(unavailable.http)
    assert.deepEqual([closed.status, headersOf(closed)], [503, 'more always'])
    const annotations = { 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' }
    await unavailable.apply([...service('web', { annotations: { conf } }), ingress('web', { annotations })])
    const redirect = await ask(unavailable.http)
    assert.deepEqual([redirect.status, headersOf(redirect)], [308, 'more always good'])
  })

  test('nobody else has them: other routes, pages of no route, requests that were given up', async (t) => {
    const web = await backend(t, 'web', (request, response) => {
      if (request.url === '/slow') return
      response.end('answer')
    })
    const { http, apply, plane } = await site(t, variant)
    await apply([
      ...service('web', { annotations: { conf: 'more_set_headers "X-A: 1";' } }, web),
      ...service('plain', {}, web),
      ingress('web', {}, ['/web', '/slow']),
      ingress('plain', {}, ['/plain']),
    ])
    for (let i = 0; i < 20; i += 1) {
      const asked = web.requests
      const socket = connect(Number(new URL(http).port), '127.0.0.1').on('error', () => {})
      socket.write(rawRequest('/slow'))
      await until('the backend is asked', () => web.requests > asked)
      socket.destroy()
    }
    for (let i = 0; i < 20; i += 1) {
      assert.equal((await ask(http, { path: '/plain' })).headers['x-a'], undefined)
      const missing = await ask(http, { path: '/missing' })
      assert.deepEqual([missing.status, missing.headers['x-a']], [404, undefined])
      assert.equal((await ask(http, { path: '/web' })).headers['x-a'], '1')
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('over HTTP/2, and when a connection changes its protocol', async (t) => {
    const web = await backend(t, 'web')
    web.server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
    })
    const { http, https, apply, plane } = await site(t, variant)
    const conf = 'more_set_headers "X-A: 1" "Upper-Case: Value";'
    await apply([...service('web', { annotations: { conf } }, web), ingress('web')])
    const { revision: base } = await plane.status()
    await plane.call('PATCH', '/v1/records', { base, set: { 'certificate/default': certificate('a') }, delete: [] })
    const session = connectHttp2(https, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const [headers] = await once(session.request({ ':path': '/', ':authority': HOST }), 'response') as [Record<string, string>]
    assert.deepEqual([headers[':status'], headers['x-a'], headers['upper-case']], [200, '1', 'Value'])
    const upgraded = await raw(http, rawRequest('/', { Connection: 'Upgrade', Upgrade: 'test' }))
    assert.match(upgraded, /^HTTP\/1\.1 101 /)
    assert.ok(headerLines(upgraded).includes('X-A: 1'))
  })

  test('what clients choose stays within its header', async (t) => {
    const conf = 'more_set_headers "X-User: <$remote_user>" "X-Path: <$uri>" "X-Echo: <$http_x_echo>" "X-Arg: <$arg_a>";'
    const { http } = await withConf(t, variant, `${conf} proxy_set_header X-User "<$remote_user>";`, {
      answer: (request, response) => response.end(String(request.headers['x-user'])),
    })
    const authorization = `Basic ${Buffer.from('u\r\nX-Injected\0:p').toString('base64')}`
    const answer = await raw(http, rawRequest('/a%0d%0aX-Injected:%201?a=%0d%0aX-Injected:1', { Authorization: authorization }))
    const lines = headerLines(answer)
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.ok(!lines.some((line) => line.startsWith('X-Injected')), answer)
    assert.ok(lines.includes('X-User: <u%0D%0AX-Injected%00>'), answer)
    assert.ok(lines.includes('X-Path: </a%0D%0AX-Injected: 1>'), answer)
    assert.ok(lines.includes('X-Arg: <%0d%0aX-Injected:1>'), answer)
    assert.match(answer, /\r\n\r\n[^]*<u%0D%0AX-Injected%00>/)
    const long = await raw(http, rawRequest('/', { 'X-Echo': 'x'.repeat(8000) }))
    assert.ok(headerLines(long).some((line) => line.startsWith('X-Echo: <xxx') && line.length < 8300))
  })

  test('what a group of the path matched', async (t) => {
    const web = await backend(t, 'web')
    const { http, apply } = await site(t, variant)
    const conf = 'more_set_headers "X-First: $1" "X-Second: <$2>";'
    const annotations = { 'nginx.ingress.kubernetes.io/use-regex': 'true', 'nginx.ingress.kubernetes.io/rewrite-target': '/new' }
    const main = ingress('web', { annotations }, ['/a/([^/]*)(/b)?'])
    assert.deepEqual(await apply([...service('web', { annotations: { conf } }, web), main]), [])
    const { text, headers } = await ask(http, { path: '/a/x%0Ay' })
    assert.match(text, /GET \/new /)
    assert.deepEqual([headers['x-first'], headers['x-second']], ['x%0Ay', '<>'])
  })
})

everyVariant('headers as a Proxy spells them', ({ variant }) => {
  const echo: Handler = (request, response) => {
    response.setHeader('X-Powered-By', 'php')
    response.setHeader('Cache-Control', 'private')
    response.end(JSON.stringify(request.headersDistinct))
  }
  const backends = [{ service: 'web', port: 80 }]

  test('set, added and removed, on both ways; conf of the Service below', async (t) => {
    const web = await backend(t, 'web', echo)
    const { http, apply } = await site(t, variant)
    const conf = 'more_set_headers "X-Both: conf" "X-Conf: 1"; more_set_input_headers "X-Asked: conf";'
    const rule = {
      requestHeaders: { set: { 'X-Asked': '$host', 'X-Empty': '$arg_none' }, add: { 'X-Chain': 'second' }, remove: ['X-Debug-*', 'H*', 'C*'] },
      responseHeaders: { set: { 'X-Both': 'proxy' }, add: { 'Cache-Control': 'max-age=1' }, remove: ['X-Powered-By'] },
      backends,
    }
    assert.deepEqual(await apply([...service('web', { annotations: { conf } }, web), proxy('web', rule)]), [])
    const sent = { 'x-chain': 'first', 'x-debug-a': '1', 'x-empty': 'forged', 'cookie': 'a=1' }
    const { text, headers } = await ask(http, { method: 'POST', body: 'some', headers: sent })
    const seen = JSON.parse(text) as Record<string, string[]>
    assert.deepEqual([seen['x-asked'], seen['x-chain'], seen['x-debug-a']], [['a.example'], ['first', 'second'], undefined])
    assert.deepEqual([seen['x-empty'], seen['cookie'], seen['host'], seen['content-length']], [undefined, undefined, ['a.example'], ['4']])
    assert.deepEqual([headers['x-both'], headers['x-conf'], headers['x-powered-by']], ['proxy', '1', undefined])
    assert.deepEqual(headers['cache-control'], ['private', 'max-age=1'])
  })

  test('an answer without a backend: a body that cannot be read is the fault of the client', async (t) => {
    const { http, apply, plane } = await site(t, variant)
    await apply([proxy('web', { directResponse: { status: 200, body: 'text' } })])
    const answer = await raw(http, `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`)
    assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.ok(!plane.errors().some((line) => line.includes('faults.lua')))
  })

  test('answers without a backend win over those of conf', async (t) => {
    const web = await backend(t, 'web')
    const { http, apply } = await site(t, variant)
    const rules = [
      { path: { value: '/text' }, directResponse: { status: 202, body: 'line\n$request_method' }, backends },
      { path: { value: '/page' }, directResponse: { status: 400 }, responseHeaders: { set: { 'X-A': '1' } } },
      { path: { value: '/away' }, redirect: { host: 'new.example' }, backends },
      { path: { value: '/' }, cors: { allowOrigins: ['https://app.example'], maxAge: '1m' }, backends },
    ]
    const conf = 'return 301 https://conf.example/;'
    assert.deepEqual(await apply([...service('web', { annotations: { conf } }, web), proxy('web', ...rules)]), [])
    const text = await ask(http, { path: '/text', method: 'PUT', body: 'x' })
    assert.deepEqual([text.status, text.text, text.headers['content-type']], [202, 'line\nPUT', 'text/plain; charset=utf-8'])
    const page = await ask(http, { path: '/page' })
    assert.deepEqual([page.status, page.text, page.headers['x-a']], [400, '400 Bad Request\n', '1'])
    const away = await ask(http, { path: '/away' })
    assert.deepEqual([away.status, new URL(String(away.headers['location'])).host.split(':')[0]], [302, 'new.example'])
    const preflight = await ask(http, { method: 'OPTIONS', headers: { origin: 'https://app.example' } })
    assert.deepEqual([preflight.status, preflight.headers['access-control-max-age']], [204, '60'])
    assert.equal((await ask(http)).headers['location'], 'https://conf.example/')
  })
})
