/** External authentication of everything by the controller's ConfigMap: who is asked about, and no way around it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { Agent } from 'undici'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { annotated, as, begin, onHost, route, seen, settings } from './auth-service.ts'
import { authority } from './authority.ts'
import { backend } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask, raw } from './client.ts'
import { secretObject } from './cluster-objects.ts'
import { everyVariant, until } from './harness.ts'
import { HOST, ingress, proxy, service } from './manifests.ts'

const ROOT = authority('root')

everyVariant('global external authentication', ({ variant }) => {
  test('for all by the ConfigMap, on each kind of connection, while NGINX reloads', async (t) => {
    const it = await begin(t, variant, { defaultBackendService: 'prod/last' })
    const last = await backend(t, 'last', (request, response) => {
      response.writeHead(Number(request.headers['x-code'] ?? 200)).end(JSON.stringify({ url: request.url, headers: request.headersDistinct }))
    })
    it.web.server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
    })
    const objects = (...more: readonly KubeObject[]): readonly KubeObject[] => [
      settings({
        'global-auth-url': `http://127.0.0.1:${it.auth.port}/all`, 'global-auth-response-headers': 'X-User',
        'global-auth-signin': '/login', 'no-auth-locations': '/public,/health', 'custom-http-errors': '401,403,404,500', 'enable-auth-access-log': 'true',
        'max-worker-connections': '256', 'worker-processes': '2',
      }),
      ...route(it, 'app', {}, ['/']),
      ...route(it, 'free', { 'enable-global-auth': 'false' }),
      ...route(it, 'maybe', { 'enable-global-auth': 'nope' }),
      ...route(it, 'near', {}).map((object) => ({ ...object, metadata: { ...object.metadata, namespace: 'near' } })),
      ...route(it, 'public', {}, ['/public', '/publicity', '/public/private']),
      ...route(it, 'own', { 'auth-url': `http://127.0.0.1:${it.auth.port}/own` }),
      ...route(it, 'moved', { 'permanent-redirect': 'https://new.example/' }),
      proxy(
        'answers',
        { path: { value: '/answer' }, directResponse: { status: 200, body: 'secret of $http_x_user' } },
        { path: { value: '/answer/own' }, directResponse: { status: 404 }, externalAuth: { url: `http://127.0.0.1:${it.auth.port}/own` } },
        { path: { value: '/answer/free' }, directResponse: { status: 204 }, externalAuth: { useGlobal: false } },
      ),
      ...service('last', {}, last),
      secretObject('clients', { 'ca.crt': ROOT.certificate }) as KubeObject,
      onHost('certified.example', ingress('app', annotated({ 'auth-tls-secret': 'clients' }), ['/only'])),
      ...more,
    ]
    const told = (await it.apply(objects())).map(({ origin }) => origin.field)
    assert.deepEqual(told, ['metadata.annotations[nginx.ingress.kubernetes.io/enable-global-auth]'])
    const { http, https, plane } = it
    const { revision: base } = await plane.status()
    await plane.call('PATCH', '/v1/records', { base, set: { 'certificate/default': certificate('a') }, delete: [] })

    await t.test('who is asked about, and who is not', async () => {
      const login = await ask(http, { path: '/x' })
      assert.deepEqual([login.status, login.headers['location']], [302, `http://${HOST}/login?rd=http://${HOST}%2Fx`])
      const statuses: Record<string, number> = {}
      for (const path of ['/free', '/maybe', '/near', '/public', '/public/a', '/publicity', '/own']) statuses[path] = (await ask(http, { path })).status
      assert.deepEqual(statuses, { '/free': 200, '/maybe': 302, '/near': 302, '/public': 200, '/public/a': 200, '/publicity': 302, '/own': 401 })
      const exempt = await ask(http, { path: '/public', headers: { 'x-user': 'mallory' } })
      assert.equal(seen(exempt).headers['x-user'], undefined)
      const reply = await ask(http, { path: '/app', ...as('good', { 'x-user': 'mallory' }) })
      assert.deepEqual([reply.status, seen(reply).headers['x-user'], it.questions.at(-1)?.url], [200, ['alice'], '/all'])
    })

    await t.test('answers without a backend are for whom the service lets in; redirects are for all', async () => {
      const good = await ask(http, { path: '/answer', ...as('good', { 'x-user': 'mallory' }) })
      assert.deepEqual([good.status, good.text, good.headers['set-cookie']], [200, 'secret of alice', ['seen=1', 'again=2']])
      const statuses: Record<string, number> = {}
      for (const path of ['/answer', '/answer/own', '/answer/free', '/moved']) statuses[path] = (await ask(http, { path })).status
      assert.deepEqual(statuses, { '/answer': 302, '/answer/own': 401, '/answer/free': 204, '/moved': 301 })
      assert.equal((await ask(http, { path: '/answer/own', ...as('good') })).status, 404)
      const before = it.questions.length
      assert.equal((await ask(http, { path: '/answer', method: 'POST', body: 'x'.repeat(100_000), ...as('good') })).status, 200)
      assert.equal(it.questions.length, before + 1)
    })

    await t.test('requests that no route takes are asked about, too', async () => {
      const before = last.requests
      const refused = [await ask(http, { host: 'nobody.example' }), await ask(http, { host: 'nobody.example', ...as('forbidden') })]
      assert.deepEqual([...refused.map(({ status }) => status), last.requests], [302, 403, before])
      const reply = await ask(http, { host: 'nobody.example', path: '/x', ...as('good', { 'x-user': 'mallory' }) })
      assert.deepEqual([reply.status, seen(reply).url, seen(reply).headers['x-user']], [200, '/x', ['alice']])
      const certified = async (connect: object, session: string): Promise<number> => {
        const dispatcher = new Agent({ connect: { rejectUnauthorized: false, servername: 'certified.example', ...connect } })
        t.after(() => dispatcher.close())
        return (await ask(https, { host: 'certified.example', path: '/other', dispatcher, ...as(session) })).status
      }
      const alice = ROOT.issue('/CN=alice')
      assert.deepEqual([await certified({}, 'good'), await certified(alice, ''), await certified(alice, 'good')], [400, 302, 200])
    })

    await t.test('no spelling of a path goes around it', async () => {
      const paths = [
        '/public/../secret', '/public/%2e%2e/secret', '/public/..%2fsecret', '/./public/../secret', '//secret', '/public//../../secret',
        '/public%2f..%2fsecret', '/secret;/public', '/public;/../secret', '/PUBLIC', '/%70ublic/../secret', '/secret/../public/../x',
        '/public/.%2e/secret', '/secret%00/public', '//external_auth', '/external_auth', '/@external_auth',
      ]
      const before = it.web.requests
      for (const path of paths) {
        const answer = await raw(http, `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)
        assert.match(answer, /^HTTP\/1\.1 (302|400) /, path)
      }
      assert.equal(it.web.requests, before)
    })

    await t.test('HTTP/2 and a change of the protocol', async () => {
      const session = connectHttp2(https, { rejectUnauthorized: false })
      t.after(() => session.destroy())
      const status = async (cookie: string, body?: string): Promise<unknown> => {
        const stream = session.request({ ':path': '/app', ':authority': HOST, ':method': body === undefined ? 'GET' : 'POST', cookie })
        stream.end(body)
        const [headers] = await once(stream, 'response') as [Record<string, unknown>]
        stream.resume()
        return headers[':status']
      }
      assert.deepEqual(await Promise.all([status('session=good'), status(''), status('session=good', 'x'.repeat(100_000))]), [200, 302, 200])
      const upgrade = (cookie: string): string =>
        `GET /app HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: test\r\nCookie: ${cookie}\r\n\r\n`
      assert.match(await raw(http, upgrade('session=good')), /^HTTP\/1\.1 101 /)
      assert.match(await raw(http, upgrade('').replace('Upgrade\r\n', 'close\r\n')), /^HTTP\/1\.1 302 /)
    })

    await t.test('a service that hangs holds only so many connections', async () => {
      const before = it.questions.length
      const statuses: number[] = []
      const all = Array.from({ length: 80 }, async () => {
        const { status } = await ask(http, { path: '/app', ...as('slow') })
        statuses.push(status)
      })
      // 32 wait in each of two workers.
      await until('all wait or are refused', () => it.questions.length - before + statuses.length === 80)
      const refused = statuses.length
      assert.ok(refused >= 16, String(refused))
      assert.deepEqual([...new Set(statuses)], [503])
      assert.equal((await ask(http, { path: '/free' })).status, 200)
      it.release()
      await Promise.all(all)
      assert.deepEqual(statuses.slice(refused), Array<number>(80 - refused).fill(200))
      assert.equal((await ask(http, { path: '/app', ...as('good') })).status, 200)
      const { counts } = JSON.parse((await plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }
      assert.equal(counts['questions_refused'], refused)
    })

    await t.test('a question that is under way while NGINX reloads is answered', async () => {
      const before = it.questions.length
      const waiting = ask(http, { path: '/app', ...as('slow') })
      await until('it is asked', () => it.questions.length > before)
      await it.apply(objects(...route(it, 'new', { 'proxy-buffering': 'on' })))
      it.release()
      assert.equal((await waiting).status, 200)
    })
    assert.deepEqual(plane.errors().filter((line) => line.includes('lua')), [])
  })
})
