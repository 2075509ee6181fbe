/** Who may come, by address: whatever the path and the host are spelled like, and whatever a client claims to be. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask } from './client.ts'
import { everySetup, everyVariant, serve, type Json, type Served } from './harness.ts'
import { configMap, ingress, layer4, service } from './layer4.ts'

const INSIDE = '127.0.0.1'
const OUTSIDE = '127.0.0.2'
const SETTING = { timeouts: {}, retries: {} }

/** `/admin` for one address alone, everything else for all. */
async function guarded(
  t: TestContext, served: Served, access: Json = { allow: [INSIDE] }, others: Json = {},
): Promise<void> {
  const web = await backend(t, 'web')
  const routes = [route({ path: '/admin', policies: { access } }), route()]
  await served.plane.put({ 'host/default/a.example': host(routes), 'backend/test/web/80': endpoints(web), ...others })
}

/** The status of a request, sent as it stands. */
async function status(port: number, from: string, head: string): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from })
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  socket.write(`${head}Connection: close\r\n\r\n`)
  await once(socket, 'close')
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}

function portOf({ http }: Served): number {
  return Number(new URL(http).port)
}

/** Request targets that mean `/admin` or something below it. */
const PROTECTED = [
  '/admin', '/admin/', '/admin/x', '/admin?x=y', '/admin/?', '//admin', '///admin//x', '/./admin', '/x/../admin',
  '/x/..//admin', '/%61dmin', '/adm%69n/x', '/x/%2e%2e/admin', '/x/.%2E/admin', '/%2e/admin', '/%2Fadmin',
  '/x%2F..%2Fadmin', '/admin%2Fx', '/admin%2f', '/admin/../admin', '/admin/x/..', '/admin#x', '/admin/;x',
  'http://a.example/admin', 'HTTP://A.EXAMPLE/admin', 'http://a.example//admin/', 'http://a.example./admin',
]

/** Others, which the neighbour serves: what comes after the name of a segment is part of it, and case counts. */
const NEIGHBOURS = [
  '/', '/x', '/adminx', '/admin;x', '/admin;/x', '/ADMIN', '/Admin/', '/admin%20', '/admin%3Fx', '/admin%5Cx', '/admin.',
  '/x/admin', '/admin/..', '/admin/%2e%2e/x', '/?/admin', '/%25admin', '/%2561dmin', 'http://a.example/', 'http://a.example',
]

const HOSTS = ['a.example', 'A.Example', 'a.example.', 'a.example:80', 'A.EXAMPLE.:8080']

everySetup('access', (setup) => {
  test('no spelling of a path leads around it, and none closes the neighbour', async (t) => {
    const served = await serve(t, setup)
    await guarded(t, served)
    const port = portOf(served)
    const answers = (from: string, target: string): Promise<number> =>
      status(port, from, `GET ${target} HTTP/1.1\r\nHost: a.example\r\n`)
    for (const target of PROTECTED) {
      const refused = await answers(OUTSIDE, target)
      assert.ok([403, 400].includes(refused), `${target}: ${refused}`)
      assert.equal(await answers(INSIDE, target), refused === 403 ? 200 : 400, target)
    }
    for (const target of NEIGHBOURS) assert.equal(await answers(OUTSIDE, target), 200, target)
    assert.deepEqual(served.plane.errors(), [])
  })

  test('no spelling of a host leads around it', async (t) => {
    const served = await serve(t, setup)
    await guarded(t, served)
    for (const name of HOSTS) {
      const answers = (from: string, path: string): Promise<number> =>
        status(portOf(served), from, `GET ${path} HTTP/1.1\r\nHost: ${name}\r\n`)
      assert.deepEqual([await answers(OUTSIDE, '/admin'), await answers(OUTSIDE, '/')], [403, 200], name)
      assert.equal(await answers(INSIDE, '/admin'), 200, name)
    }
    const odd = (lines: string): Promise<number> => status(portOf(served), OUTSIDE, lines)
    assert.equal(await odd('GET http://b.example/admin HTTP/1.1\r\nHost: a.example\r\n'), 400)
    assert.equal(await odd('GET /admin HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n'), 400)
    assert.equal(await odd('GET /admin HTTP/1.1\r\nHost: a.example/x\r\n'), 400)
  })

  test('deny goes before allow, and each may be alone', async (t) => {
    const served = await serve(t, setup)
    const cases: readonly (readonly [Json, boolean, boolean])[] = [
      [{ allow: ['127.0.0.0/8'] }, true, true],
      [{ allow: ['126.0.0.0/8', '127.0.0.2/31'] }, false, true],
      [{ deny: ['127.0.0.2'] }, true, false],
      [{ deny: ['127.0.0.0/8'] }, false, false],
      [{ allow: ['127.0.0.0/8'], deny: ['127.0.0.1'] }, false, true],
      [{ allow: ['::/0'], deny: ['10.0.0.0/8'] }, false, false],
      [{ deny: ['::/0', '128.0.0.0/1'] }, true, true],
    ]
    for (const [access, inside, outside] of cases) {
      await guarded(t, served, access)
      for (const [from, passes] of [[INSIDE, inside], [OUTSIDE, outside]] as const) {
        const answer = await status(portOf(served), from, 'GET /admin HTTP/1.1\r\nHost: a.example\r\n')
        assert.equal(answer, passes ? 200 : 403, `${JSON.stringify(access)} ${from}`)
      }
    }
  })

  test('what the global setting says holds for routes that say nothing, and what it blocks for all', async (t) => {
    const served = await serve(t, setup)
    const set = (members: Json): Promise<unknown> =>
      guarded(t, served, { allow: [INSIDE] }, { 'setting/global': withDigest({ ...SETTING, ...members }) })
    const answers = (from: string, path: string, lines = ''): Promise<number> =>
      status(portOf(served), from, `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${lines}`)
    await set({ access: { allow: [OUTSIDE] } })
    assert.deepEqual([await answers(OUTSIDE, '/'), await answers(INSIDE, '/')], [200, 403])
    assert.deepEqual([await answers(OUTSIDE, '/admin'), await answers(INSIDE, '/admin')], [403, 200])
    await set({ blocks: { addresses: [OUTSIDE] } })
    assert.deepEqual([await answers(OUTSIDE, '/'), await answers(INSIDE, '/'), await answers(INSIDE, '/admin')], [403, 200, 200])
    await set({ blocks: { user_agents: [{ text: 'bad (one)' }, { pattern: 'bot/[0-9]', caseless: true }, { pattern: '^$' }] } })
    for (const [agent, wanted] of [['good', 200], ['Bad (One)', 403], ['bad (one) 2', 200], ['x BOT/1', 403], ['bot/x', 200]] as const) {
      assert.equal(await answers(INSIDE, '/', `User-Agent: ${agent}\r\n`), wanted, agent)
    }
    assert.equal(await answers(INSIDE, '/'), 403, 'none is an empty one')
    await set({ blocks: { referers: [{ pattern: '//bad\\.example/' }] } })
    assert.equal(await answers(INSIDE, '/', 'Referer: https://bad.example/x\r\n'), 403)
    assert.equal(await answers(INSIDE, '/', 'Referer: https://BAD.example/x\r\n'), 200)
    await set({ blocks: { user_agents: [{ pattern: '(a+)+$' }] } })
    assert.equal(await answers(INSIDE, '/', `User-Agent: ${'a'.repeat(900)}!\r\n`), 403, 'too long to compare')
    await set({})
    assert.deepEqual([await answers(OUTSIDE, '/'), await answers(OUTSIDE, '/admin')], [200, 403])
  })
})

const HEADER = 'PROXY TCP4 203.0.113.9 203.0.113.1 4242 443\r\n'
const GUARD = { 'whitelist-source-range': '203.0.113.9, 2001:db8::/32' }

everyVariant('access', ({ variant }) => {
  test('the address of a client counts as a trusted proxy tells it, and nobody else', async (t) => {
    const seen = async (settings: Readonly<Record<string, string>>, head: string): Promise<number> => {
      const nginx = await layer4(t, variant, { configMap: 'ingress/settings' })
      const web = await backend(t, 'web')
      await nginx.apply([configMap('settings', settings), ingress('web', 'web.example', 'web', GUARD), ...service('web', [web.port])])
      return status(nginx.httpPort, INSIDE, head)
    }
    const get = (lines: string): string => `GET / HTTP/1.1\r\nHost: web.example\r\n${lines}`
    const forwarded = { 'use-forwarded-headers': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8' }
    const claim = get('X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n')
    assert.equal(await seen({}, claim), 403)
    assert.equal(await seen({ ...forwarded, 'proxy-real-ip-cidr': '198.18.0.0/15' }, claim), 403)
    assert.equal(await seen(forwarded, claim), 200)
    assert.equal(await seen(forwarded, get('X-Forwarded-For: 203.0.113.9, 198.18.0.1\r\n')), 403)
    assert.equal(await seen(forwarded, get('X-Forwarded-For: ::ffff:203.0.113.9\r\n')), 200, 'mapped')
    assert.equal(await seen(forwarded, get('X-Forwarded-For: 2001:db8::1\r\n')), 200)
    assert.equal(await seen(forwarded, get('X-Forwarded-For: nonsense\r\n')), 403)
    const protocol = { 'use-proxy-protocol': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8' }
    assert.equal(await seen(protocol, HEADER + get('')), 200)
    assert.equal(await seen({ ...protocol, 'proxy-real-ip-cidr': '198.18.0.0/15' }, HEADER + get('')), 403)
  })

  test('over HTTP/2 :authority and Host cannot disagree', async (t) => {
    const served = await serve(t, { variant, workers: 1, reloaded: false })
    const others = { 'certificate/default': certificate('a'), 'host/default/b.example': host([route()]) }
    await guarded(t, served, { deny: ['127.0.0.0/8'] }, others)
    const session = connectHttp2(`https://127.0.0.1:${served.fixture.httpsPort}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const get = (headers: Readonly<Record<string, string>>): Promise<unknown> => statusOf(session, headers)
    assert.equal(await get({ ':authority': 'a.example', ':path': '/' }), 200)
    assert.equal(await get({ ':authority': 'a.example', ':path': '/x/..//admin' }), 403)
    assert.equal(await get({ ':authority': 'A.example.', ':path': '/%61dmin' }), 403)
    assert.notEqual(await get({ ':authority': 'a.example', 'host': 'b.example', ':path': '/admin' }), 200)
    assert.notEqual(await get({ ':authority': 'b.example', 'host': 'a.example', ':path': '/admin' }), 200)
  })

  test('redirects come before it, limits too; answers without a backend after it', async (t) => {
    const served = await serve(t, { variant, workers: 1, reloaded: false })
    const web = await backend(t, 'web')
    const access = { deny: ['127.0.0.0/8'] }
    const direct = { direct_response: { status: 200, body: [{ text: 'for some' }] } }
    const routes = [
      route({ path: '/said', policies: { access, ...direct } }),
      route({ path: '/login', policies: { basic_auth: { users: 'htpasswd/test/missing', realm: 'x' }, ...direct } }),
      route({ path: '/moved', policies: { access, redirect: { code: 301, location: [{ text: '/new' }] } } }),
      route({ path: '/limited', policies: { access, limits: { rpm: 1, burst_multiplier: 1 } } }),
      route({ path: '/large', policies: { access, body_size: { max: 1 } } }),
    ]
    await served.plane.put({ 'host/default/a.example': host(routes), 'backend/test/web/80': endpoints(web) })
    assert.equal((await ask(served.http, { path: '/moved' })).status, 301)
    assert.equal((await ask(served.http, { path: '/said' })).status, 403)
    assert.equal((await ask(served.http, { path: '/login' })).status, 503)
    const limited = await Promise.all(Array.from({ length: 4 }, () => ask(served.http, { path: '/limited' })))
    assert.deepEqual(limited.map((reply) => reply.status).sort(), [403, 403, 503, 503])
    assert.equal((await ask(served.http, { path: '/large', method: 'POST', body: 'long' })).status, 403)
    assert.equal(web.requests, 0)
  })
})

async function statusOf(session: ClientHttp2Session, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const stream = session.request(headers)
  try {
    const [answer] = await once(stream, 'response') as [IncomingHttpHeaders]
    stream.close()
    return answer[':status']
  } catch {
    return 'reset'
  }
}
