/** External authentication: who is let in, what everybody is told, and that nothing goes around it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { as, begin, configMap, route, seen, settings, type Question } from './auth-service.ts'
import { ask, raw } from './client.ts'
import { everyVariant, until } from './harness.ts'
import { HOST, ingress, proxy, service } from './manifests.ts'
import { keyPair } from './tls.ts'

everyVariant('external authentication', ({ variant }) => {
  test('by the answer of the service', async (t) => {
    const it = await begin(t, variant)
    const url = `http://127.0.0.1:${it.auth.port}`
    const own = `http://$host:${new URL(it.http).port}`
    const findings = await it.apply([
      ...service('sso', {}, it.auth),
      ingress('sso', {}, ['/sso']),
      ...route(it, 'through', { 'auth-url': `${own}/sso/verify` }),
      ...route(it, 'circle', { 'auth-url': `${own}/circle` }),
      ...route(it, 'plain', { 'auth-url': `${url}/auth?from=$host`, 'auth-response-headers': 'X-User, X-Groups' }),
      ...route(it, 'login', { 'auth-url': url, 'auth-signin': 'https://login.example/start?x=1' }),
      ...route(it, 'open', {}),
    ], { [HOST]: { addresses: ['127.0.0.1'] } })
    assert.deepEqual(findings, [])
    const { http } = it

    await t.test('let in: the backend gets its headers, the client its cookies', async () => {
      const reply = await ask(http, { path: '/plain/a?b=c', ...as('good', { 'x-user': 'mallory' }) })
      assert.equal(reply.status, 200)
      assert.deepEqual([seen(reply).headers['x-user'], seen(reply).headers['x-groups']], [['alice'], ['a', 'b']])
      assert.equal(seen(reply).url, '/plain/a?b=c')
      assert.deepEqual(reply.headers['set-cookie'], ['app=1', 'seen=1', 'again=2'])
      const { method, url: asked, headers, body } = it.questions.at(-1) as Question
      assert.deepEqual([method, asked, body], ['GET', `/auth?from=${HOST}`, ''])
      assert.equal(headers['host'], '127.0.0.1')
      assert.equal(headers['x-original-url'], `http://${HOST}/plain/a?b=c`)
      assert.deepEqual([headers['x-original-method'], headers['x-sent-from']], ['GET', 'nginx-ingress-controller'])
      assert.deepEqual([headers['x-real-ip'], headers['x-forwarded-for']], ['127.0.0.1', '127.0.0.1'])
      assert.equal(headers['x-auth-request-redirect'], '/plain/a?b=c')
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/)
    })

    await t.test('a header that the service does not send is nobody\'s', async () => {
      const reply = await ask(http, { path: '/plain', ...as('nameless', { 'x-user': 'mallory', 'X-GROUPS': 'admin' }) })
      assert.equal(reply.status, 200)
      assert.deepEqual([seen(reply).headers['x-user'], seen(reply).headers['x-groups']], [undefined, undefined])
    })

    await t.test('refused', async () => {
      const before = it.web.requests
      const unknown = await ask(http, { path: '/plain' })
      assert.deepEqual([unknown.status, unknown.headers['www-authenticate']], [401, 'Bearer realm="x"'])
      assert.equal((await ask(http, { path: '/plain', ...as('forbidden') })).status, 403)
      for (const session of ['broken', 'redirect', 'reset']) {
        const { status, headers } = await ask(http, { path: '/plain', ...as(session) })
        assert.deepEqual([session, status, headers['location']], [session, 500, undefined])
      }
      assert.equal(it.web.requests, before)
    })

    await t.test('sent to log in', async () => {
      const { status, headers } = await ask(http, { path: '/login/a%0d%0ab?x="<y>&z=%20' })
      assert.equal(status, 302)
      const back = `http://${HOST}${encodeURIComponent('/login/a%0d%0ab?x=%22%3Cy%3E&z=%20')}`
      assert.equal(String(headers['location']).toLowerCase(), `https://login.example/start?x=1&rd=${back}`.toLowerCase())
      assert.equal(headers['set-cookie'], 'state=1')
      assert.equal((await ask(http, { path: '/login', ...as('forbidden') })).status, 403)
    })

    await t.test('through this controller itself, and never in a circle', async () => {
      assert.equal((await ask(http, { path: '/through', ...as('good') })).status, 200)
      assert.deepEqual([it.questions.at(-1)?.url, it.questions.at(-1)?.headers['host']], ['/sso/verify', HOST])
      assert.equal((await ask(http, { path: '/through' })).status, 401)
      const before = it.web.requests
      assert.equal((await ask(http, { path: '/circle', ...as('good') })).status, 500)
      assert.equal(it.web.requests, before)
    })

    await t.test('a body reaches the backend and not the service', async () => {
      const body = Buffer.alloc(200_000, 'x').toString()
      const declared = await ask(http, { path: '/plain', method: 'POST', body, ...as('good') })
      assert.deepEqual([declared.status, seen(declared).body.length], [200, body.length])
      const chunks = async function* chunks(): AsyncGenerator<Buffer> {
        for (let i = 0; i < 10; i += 1) yield Buffer.alloc(20_000, 'y')
      }
      const chunked = await ask(http, { path: '/plain', method: 'POST', body: chunks(), ...as('good') })
      assert.deepEqual([chunked.status, seen(chunked).body.length], [200, 200_000])
      const { headers, body: asked } = it.questions.at(-1) as Question
      assert.deepEqual([asked, headers['content-length'], headers['transfer-encoding']], ['', undefined, undefined])
    })

    await t.test('one after the other on one connection, with and without a question', async () => {
      const lines = [
        `GET /plain HTTP/1.1\r\nHost: ${HOST}\r\nCookie: session=good\r\n\r\n`,
        `GET /open HTTP/1.1\r\nHost: ${HOST}\r\nX-User: me\r\n\r\n`,
        `GET /plain HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
      ]
      const answers = await raw(http, lines.join(''))
      assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 401'])
      assert.match(answers, /"x-user":\["me"\]/)
    })

    await t.test('a client that goes away while the service thinks leaves nothing behind', async () => {
      for (let i = 0; i < 5; i += 1) {
        const asked = it.questions.length
        const socket = connect(Number(new URL(http).port), '127.0.0.1').on('error', () => {})
        socket.write(`GET /plain HTTP/1.1\r\nHost: ${HOST}\r\nCookie: session=slow\r\n\r\n`)
        await until('it is asked', () => it.questions.length > asked)
        socket.destroy()
      }
      it.release()
      assert.equal((await ask(http, { path: '/plain', ...as('good') })).status, 200)
      assert.equal((await ask(http, { path: '/plain' })).status, 401)
    })
    assert.deepEqual(it.plane.errors().filter((line) => line.includes('lua')), [])
  })

  test('headers for the service, kept answers, TLS, and what is closed', async (t) => {
    const it = await begin(t, variant)
    const url = `http://127.0.0.1:${it.auth.port}/auth`
    const asked: string[] = []
    const secure = createServer({ ...keyPair('auth'), keepAliveTimeout: 0 }, (request, response) => {
      asked.push(`${String(request.headers.host)} ${request.url}`)
      response.writeHead(request.headers.authorization === 'Bearer good' ? 204 : 401).end()
    }).listen(0, '127.0.0.1')
    let connections = 0
    for (const server of [secure, it.auth.server]) server.on('connection', () => { connections += 1 })
    await once(secure, 'listening')
    t.after(() => secure.close())
    const { port } = secure.address() as AddressInfo
    const findings = await it.apply([
      settings({ 'enable-underscores-in-headers': 'true' }),
      configMap('told', { 'X-Tenant': 'prod $host', Authorization: 'Basic c2VjcmV0', 'X-Empty': '' }),
      configMap('wrong', { 'X-Tenant': 'a\nb' }),
      ...route(it, 'told', { 'auth-url': url, 'auth-proxy-set-headers': 'prod/told', 'auth-method': 'POST', 'auth-request-redirect': 'https://$host/back' }),
      ...route(it, 'kept', { 'auth-url': url, 'auth-cache-key': '$cookie_session', 'auth-cache-duration': '200 401 10m', 'auth-response-headers': 'X-User' }),
      ...route(it, 'secure', { 'auth-url': `https://127.0.0.1:${port}/check?for=$request_uri`, 'auth-always-set-cookie': 'true' }),
      ...route(it, 'few', { 'auth-url': url, 'auth-keepalive': '4', 'auth-keepalive-requests': '2', 'auth-keepalive-share-vars': 'true' }),
      ...route(it, 'pool', { 'auth-url': url, 'auth-keepalive': '4', 'auth-keepalive-timeout': '30' }),
      ...route(it, 'unkept', { 'auth-url': url, 'auth-keepalive': '0' }),
      ...route(it, 'pool-over-tls', { 'auth-url': `https://127.0.0.1:${port}/`, 'auth-keepalive': '4' }),
      ...route(it, 'always', { 'auth-url': url, 'auth-always-set-cookie': 'true' }),
      ...route(it, 'missing', { 'auth-url': url, 'auth-proxy-set-headers': 'nowhere' }),
      ...route(it, 'wrong', { 'auth-url': url, 'auth-proxy-set-headers': 'wrong' }),
      ...route(it, 'loop', { 'auth-url': 'http://127.0.0.1:1/' }),
      ...route(it, 'refused', { 'auth-url': 'http://169.254.169.254/' }),
      ...route(it, 'invalid', { 'auth-url': 'http://user:password@127.0.0.1/' }),
      ...route(it, 'method', { 'auth-url': url, 'auth-method': 'get' }),
      ...route(it, 'snippet', { 'auth-snippet': 'proxy_set_header X-A 1;' }),
      ...service('typed', {}, it.web),
      proxy('typed', {
        path: { value: '/typed' },
        externalAuth: {
          url, responseHeaders: ['X-User'],
          requestHeaders: { set: { 'X-Typed': '$request_method' }, add: { 'X-List': 'b' }, remove: ['X-Debug-*'] },
        },
        backends: [{ service: 'typed', port: 80 }],
      }),
    ])
    const told = findings.filter(({ severity }) => severity === 'error').map(({ origin }) => `${origin.name} ${origin.field}`)
    const at = (name: string, annotation: string): string => `${name} metadata.annotations[nginx.ingress.kubernetes.io/${annotation}]`
    assert.deepEqual(new Set(told), new Set([
      at('missing', 'auth-proxy-set-headers'), at('wrong', 'auth-proxy-set-headers'), at('invalid', 'auth-url'),
      at('method', 'auth-method'), at('snippet', 'auth-snippet'),
    ]))
    assert.deepEqual(findings.filter(({ reason }) => reason === 'RefusedEndpoint').map(({ origin }) => origin.name), ['refused'])
    const { http } = it

    await t.test('what cannot be honoured lets nobody in', async () => {
      const before = it.web.requests
      for (const name of ['missing', 'wrong', 'invalid', 'method', 'snippet']) {
        assert.deepEqual([name, (await ask(http, { path: `/${name}`, ...as('good') })).status], [name, 503])
      }
      for (const name of ['loop', 'refused']) {
        assert.deepEqual([name, (await ask(http, { path: `/${name}`, ...as('good') })).status], [name, 500])
      }
      assert.equal(it.web.requests, before)
    })

    await t.test('headers of a ConfigMap are for the service alone', async () => {
      const headers = { authorization: 'Bearer mine', 'x-empty': 'client', 'x-original-url': 'http://forged/', 'x-forwarded-uri': '/forged' }
      const reply = await ask(http, { path: '/told', ...as('good', headers) })
      assert.equal(reply.status, 200)
      const question = it.questions.at(-1) as Question
      assert.deepEqual([question.method, question.headers['x-tenant'], question.headers.authorization], ['POST', 'prod $host', 'Basic c2VjcmV0'])
      assert.deepEqual([question.headers['x-empty'], question.headers['x-auth-request-redirect']], [undefined, `https://${HOST}/back`])
      assert.deepEqual([question.headers['x-original-url'], question.headers['x-forwarded-uri']], [`http://${HOST}/told`, '/told'])
      const { headers: passed } = seen(reply)
      assert.deepEqual([passed['authorization'], passed['x-tenant'], passed['x-empty']], [['Bearer mine'], undefined, ['client']])
    })

    await t.test('answers are kept by their key, unless they say otherwise', async () => {
      const count = async (session: string): Promise<[number, number, readonly string[] | undefined]> => {
        const before = it.questions.length
        const reply = await ask(http, { path: '/kept', ...as(session, { 'x-user': 'mallory', x_user: 'mallory' }) })
        const user = reply.status === 200 ? seen(reply).headers['x-user'] : undefined
        assert.ok(!reply.text.includes('mallory'))
        return [it.questions.length - before, reply.status, user]
      }
      assert.deepEqual(await count('cacheable'), [1, 200, ['carol']])
      assert.deepEqual(await count('cacheable'), [0, 200, ['carol']])
      assert.deepEqual(await count('private'), [1, 200, ['dave']])
      assert.deepEqual(await count('private'), [1, 200, ['dave']])
      assert.deepEqual(await count('good'), [1, 200, ['alice']])
      assert.deepEqual(await count('good'), [1, 200, ['alice']])
      assert.deepEqual(await count('forbidden'), [1, 403, undefined])
      assert.deepEqual(await count('forbidden'), [1, 403, undefined])
      // The service knows this client by what is not in the key; others without are not this client.
      assert.equal((await ask(http, { path: '/kept', headers: { cookie: 'xsession=cacheable' } })).status, 200)
      assert.equal((await ask(http, { path: '/kept' })).status, 401)
    })

    await t.test('over TLS; the cookies of a refusal', async () => {
      assert.equal((await ask(http, { path: '/secure?a=b', headers: { authorization: 'Bearer good' } })).status, 200)
      assert.equal((await ask(http, { path: '/secure' })).status, 401)
      assert.deepEqual(asked, ['127.0.0.1 /check?for=/secure?a=b', '127.0.0.1 /check?for=/secure'])
      assert.deepEqual((await ask(http, { path: '/always', ...as('forbidden') })).headers['set-cookie'], 'seen=1')
      const failed = await ask(http, { path: '/always?status=404', ...as('good') })
      assert.deepEqual([failed.status, failed.headers['set-cookie']], [404, ['app=1', 'seen=1', 'again=2']])
    })

    await t.test('connections are kept as the route says, over TLS for one name', async () => {
      const opened = async (name: string): Promise<number> => {
        const before = connections
        const line = `GET /${name} HTTP/1.1\r\nHost: ${HOST}\r\nCookie: session=nameless\r\nAuthorization: Bearer good\r\n`
        // Over one connection, hence by one worker.
        const answers = await raw(http, `${line}\r\n${line}\r\n${line}\r\n${line}Connection: close\r\n\r\n`)
        assert.equal(answers.match(/HTTP\/1\.1 200/g)?.length, 4, answers)
        return connections - before
      }
      const expected = { pool: 1, few: 2, unkept: 4, 'pool-over-tls': 1, secure: 4 }
      for (const [name, count] of Object.entries(expected)) assert.deepEqual([name, await opened(name)], [name, count])
    })

    await t.test('as a Proxy spells it', async () => {
      const reply = await ask(http, { path: '/typed', ...as('good', { 'x-list': 'a', 'x-debug-a': '1', 'x-typed': 'mine' }) })
      const { headers } = it.questions.at(-1) as Question
      assert.deepEqual([headers['x-typed'], headers['x-list'], headers['x-debug-a']], ['GET', 'a, b', undefined])
      const passed = ['x-user', 'x-typed', 'x-list', 'x-debug-a'].map((name) => seen(reply).headers[name])
      assert.deepEqual([reply.status, ...passed], [200, ['alice'], ['mine'], ['a'], ['1']])
      assert.equal((await ask(http, { path: '/typed' })).status, 401)
    })

    await t.test('a question is not asked about', async () => {
      const before = it.questions.length
      assert.equal((await ask(http, { path: '/told', ...as('good', { 'x-sent-from': 'nginx-ingress-controller' }) })).status, 503)
      assert.equal(it.questions.length, before)
    })
  })
})
