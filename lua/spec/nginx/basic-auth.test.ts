/** Logins by name and password: every scheme, every way to ask, and what guessing costs the neighbours. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask, raw, type Ask } from './client.ts'
import { samePath } from './spellings.ts'
import { everyVariant, serve, start, until, type Json, type Served } from './harness.ts'

const BCRYPT = '$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u'
const LONG = 'a password that is longer than sixteen bytes, and than thirty-two'

/** Made by `openssl passwd`, and by crypt(3) of libxcrypt. */
const USERS: Readonly<Record<string, readonly [hash: string, password: string]>> = {
  'bcrypt': [BCRYPT, 'secret'],
  'bcrypt-a': ['$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW', 'secret'],
  'empty': ['$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq', ''],
  'élise': ['$2y$04$abcdefghijklmnopqrstuukt5gEdxhyYU8q7nPVxOXoWsXfLuYbs6', 'päss:wörd'],
  'apr1': ['$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/', 'secret'],
  'apr1-empty': ['$apr1$x$tMwYqBfQwi3FYAr0aJc8M/', ''],
  'apr1-long': ['$apr1$abcdefgh$uEqjp70Up3NIsAXlED4Cd0', LONG],
  'apr1-utf8': ['$apr1$abcdefgh$030j6I3f1zNCF9tihqdd11', 'pässwörd'],
  'md5': ['$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1', 'secret'],
  'sha256': ['$5$rounds=1000$abc$Mz4DiYKTnNKbZLo/mIp3d8Y4aQBhv3uhSwxLDy55/Y8', 'secret'],
  'sha512': [
    '$6$abcdefgh$iU/NDDlnQn/TG2.CrOM9dDqM7RL7pUnguxKRRTWs3hkDDlQ62c6uVmruJJwVt.weSAJ1AqPy3i7u5EQPN/hbs/', 'p:w',
  ],
  'sha': ['{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'secret'],
  'ssha': ['{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0', 'secret'],
  'plain': ['{PLAIN}open: sesame', 'open: sesame'],
}
const HASHES = Object.fromEntries(Object.entries(USERS).map(([name, [hash]]) => [name, hash]))

const login = (users: string): Json => ({ users: `htpasswd/test/${users}`, realm: 'a "b" \\ $uri' })

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

function as(name: string, password: string, more: Ask = {}): Ask {
  return { ...more, headers: { authorization: basic(name, password) } }
}

/** `/admin` for users, `/other` for those of another record, everything else for all. */
async function records(t: TestContext, more: Json = {}): Promise<Json> {
  const web = await backend(t, 'web', (request, response) => response.end(JSON.stringify(request.headers)))
  const routes = [
    route({ path: '/admin', policies: { basic_auth: login('users') } }),
    route({ path: '/other', policies: { basic_auth: login('others'), load_balance: { algorithm: 'least_request' } } }),
    route({ path: '/nobody', policies: { basic_auth: login('missing') } }),
    route({ path: '/any', policies: { satisfy: { any: true }, basic_auth: login('users'), access: { allow: ['192.0.2.1'] } } }),
    route({ path: '/here', policies: { satisfy: { any: true }, basic_auth: login('users'), access: { allow: ['127.0.0.1'] } } }),
    route({ path: '/both', policies: { basic_auth: login('users'), access: { allow: ['192.0.2.1'] } } }),
    route({ path: '/list', policies: { satisfy: { any: true }, access: { allow: ['192.0.2.1'] } } }),
    route({ path: '/alone', policies: { satisfy: { any: true }, basic_auth: login('users') } }),
    route({ path: '/open', policies: { satisfy: { any: true } } }),
    route(),
  ]
  return {
    'host/default/a.example': host(routes),
    'backend/test/web/80': endpoints(web),
    'certificate/default': certificate('a.example'),
    'htpasswd/test/users': withDigest({ users: HASHES }),
    'htpasswd/test/others': withDigest({ users: { alice: BCRYPT } }),
    ...more,
  }
}

/** The program, for which libcrypt fails as one does that is too old. */
async function homeWithoutCrypt(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'resty-ingress-home-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await cp(join(import.meta.dirname, '../../ingress'), join(home, 'lua/ingress'), { recursive: true })
  const file = join(home, 'lua/ingress/password/hashing.lua')
  const [before, after = ''] = (await readFile(file, 'utf8')).split('C.crypt_r(password, hash, data)')
  await writeFile(file, `${before}nil${after}`)
  return home
}

async function statusOf({ http }: Served, path: string, what: Ask = {}): Promise<number> {
  return (await ask(http, { ...what, path })).status
}

async function schemes({ http }: Served): Promise<void> {
  for (const [name, [, password]] of Object.entries(USERS)) {
    const right = as(name, password, { path: '/admin' })
    const answer = await ask(http, right)
    assert.equal(answer.status, 200, name)
    assert.equal('authorization' in (JSON.parse(answer.text) as Json), false, 'the backend sees no password')
    assert.equal((await ask(http, right)).status, 200, `${name}, again`)
    for (const wrong of [`${password}x`, `${password}\0`, 'Secret', ...(password === '' ? [] : [''])]) {
      assert.equal((await ask(http, as(name, wrong, { path: '/admin' }))).status, 401, `${name} ${wrong}`)
    }
  }
  for (const name of ['nobody', '', 'bcrypt ', 'BCRYPT']) {
    assert.equal((await ask(http, as(name, 'secret', { path: '/admin' }))).status, 401, name)
  }
}

const MALFORMED = [
  'Basic', 'Basic ', 'Basic %%%%', 'Basic c2E', 'Bearer abc', 'Digest username="sha"', `${basic('sha', 'secret')} x`,
  basic('sha', 'secret').replace('Basic ', 'Basic'), `Basic ${Buffer.from('sha').toString('base64')}`,
  basic('a'.repeat(256), 'secret'), basic('sha', 'secret'.repeat(500)),
]

async function questions({ http, fixture }: Served): Promise<void> {
  const answer = await ask(http, { path: '/admin' })
  assert.equal(answer.status, 401)
  assert.equal(answer.headers['www-authenticate'], 'Basic realm="a \\"b\\" \\\\ $uri"')
  const missing = await ask(http, { path: '/nobody' })
  assert.deepEqual([missing.status, missing.headers['retry-after'], answer.headers['retry-after']], [503, '1', undefined])
  for (const authorization of MALFORMED) {
    assert.equal((await ask(http, { path: '/admin', headers: { authorization } })).status, 401, authorization)
  }
  const odd = { authorization: basic('sha', 'secret').replace('Basic', 'bASIC ') }
  assert.equal((await ask(http, { path: '/admin', headers: odd })).status, 200)
  assert.equal((await ask(http, { path: '/admin', headers: { authorization: `Basic ${'A'.repeat(10_000)}` } })).status, 400)
  for (const target of samePath('admin')) {
    const text = await raw(http, `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`)
    assert.match(text, /^HTTP\/1\.1 4/, target)
  }
  const line = `Authorization: ${basic('sha', 'secret')}\r\n`
  for (const [head, status] of [
    ['HEAD /admin HTTP/1.1\r\n', 401], ['OPTIONS /admin HTTP/1.1\r\nOrigin: https://b.example\r\n', 401],
    ['GET /admin HTTP/1.1\r\nUpgrade: websocket\r\n', 401], ['GET /x/..//%61dmin/ HTTP/1.1\r\n', 401],
    ['GET http://a.example/admin HTTP/1.1\r\n', 401], [`HEAD /admin HTTP/1.1\r\n${line}`, 200], [`GET //admin HTTP/1.1\r\n${line}`, 200],
    [`GET /admin HTTP/1.1\r\n${line}${line}`, 400], ['GET /adminx HTTP/1.1\r\n', 200],
  ] as const) {
    const text = await raw(http, `${head}Host: a.example\r\nConnection: close\r\n\r\n`)
    assert.equal(Number(text.slice(9, 12)), status, head)
    if (status === 401) assert.match(text, /^WWW-Authenticate: Basic realm="/m, head)
  }
  const session = connectHttp2(`https://127.0.0.1:${fixture.httpsPort}`, { rejectUnauthorized: false })
  for (const [headers, status] of [[{}, 401], [{ authorization: basic('alice', 'secret') }, 200]] as const) {
    const stream = session.request({ ':authority': 'a.example', ':path': '/other', ...headers })
    const [head] = await once(stream, 'response')
    assert.equal(head[':status'], status)
    stream.resume()
    await once(stream, 'close')
  }
  session.close()
}

/** Address lists and logins, `any` and `all`. */
async function satisfied(served: Served): Promise<void> {
  const right = as('sha', 'secret')
  const wrong = as('sha', 'wrong')
  for (const [path, without, withWrong, withRight] of [
    ['/any', 401, 401, 200], ['/here', 200, 200, 200], ['/both', 403, 403, 403], ['/list', 403, 403, 403],
    ['/alone', 401, 401, 200], ['/open', 200, 200, 200], ['/nobody', 503, 503, 503], ['/', 200, 200, 200],
  ] as const) {
    const statuses: number[] = []
    for (const what of [{}, wrong, right]) statuses.push(await statusOf(served, path, what))
    assert.deepEqual(statuses, [without, withWrong, withRight], path)
  }
  assert.equal('authorization' in (JSON.parse((await ask(served.http, { ...right, path: '/here' })).text) as Json), false)
}

/** Wrong passwords by dozens: each client has its share, others are served, and users of another record get in. */
async function guessing(served: Served): Promise<void> {
  const neighbours: Promise<number>[] = []
  await until('one client has more than its share', async () => {
    const guesses = Array.from({ length: 60 }, (_, i) => statusOf(served, '/admin', as('bcrypt', `guess ${i}`)))
    neighbours.push(...Array.from({ length: 20 }, () => statusOf(served, '/')))
    const statuses = new Set(await Promise.all(guesses))
    assert.ok(statuses.isSubsetOf(new Set([401, 429])) && statuses.has(401), String([...statuses]))
    return statuses.has(429)
  })
  const { counts } = JSON.parse((await served.plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }
  assert.ok((counts['password_checks'] ?? 0) > 4 && (counts['password_checks_refused'] ?? 0) > 0)
  assert.deepEqual(new Set(await Promise.all(neighbours)), new Set([200]))
  assert.equal(await statusOf(served, '/other', as('alice', 'secret')), 200)
  const same = await Promise.all(Array.from({ length: 30 }, () => statusOf(served, '/admin', as('bcrypt', 'one guess'))))
  assert.deepEqual(new Set(same), new Set([401]), 'equal checks are made once')
}

/** Clients that do not wait for the answer leave nothing behind that counts against them. */
async function leaving(served: Served): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(Number(new URL(served.http).port), '127.0.0.1')
    socket.on('error', () => undefined)
    await new Promise<void>((resolve) => {
      socket.write(`GET /admin HTTP/1.1\r\nHost: a.example\r\nAuthorization: ${basic('bcrypt', `gone ${i}`)}\r\n\r\n`, () => resolve())
    })
    socket.destroy()
  }
  const guesses = (): Promise<number[]> =>
    Promise.all(Array.from({ length: 4 }, (_, i) => statusOf(served, '/admin', as('bcrypt', `late ${i}`))))
  await until('its share is free again', async () => (await guesses()).every((status) => status === 401))
}

/** A change of the users holds at once, also for those who were right before. */
async function changes(t: TestContext, served: Served): Promise<void> {
  const alice = as('alice', 'secret')
  assert.equal(await statusOf(served, '/other', alice), 200)
  const patch = async (change: Json): Promise<void> => {
    const { revision } = await served.plane.status()
    assert.equal((await served.plane.call('PATCH', '/v1/records', { base: revision, ...change })).status, 200)
  }
  const users = (hashes: Json): Json => ({ set: { 'htpasswd/test/others': withDigest({ users: hashes }) } })
  await patch(users({ alice: HASHES['apr1-long'] ?? '' }))
  const upload = as('alice', LONG, { method: 'POST', body: 'x'.repeat(200_000) })
  assert.deepEqual([await statusOf(served, '/other', alice), await statusOf(served, '/other', upload)], [401, 200])
  await patch(users({ bob: BCRYPT }))
  assert.deepEqual([await statusOf(served, '/other', as('alice', LONG)), await statusOf(served, '/other', as('bob', 'secret'))], [401, 200])
  await patch({ delete: ['htpasswd/test/others'] })
  assert.equal(await statusOf(served, '/other', as('bob', 'secret')), 503)
  await served.plane.put(await records(t))
  assert.equal(await statusOf(served, '/other', alice), 200)
  assert.equal((await served.plane.configure({ ...served.fixture, salt: 'another' })).status, 200)
  assert.deepEqual([await statusOf(served, '/other', alice), await statusOf(served, '/other')], [200, 401])
}

everyVariant('basic auth', (setup) => {
  test('who has a name and a password', async (t) => {
    const served = await serve(t, setup)
    await served.plane.put(await records(t))
    await t.test('every scheme', () => schemes(served))
    await t.test('every way to ask', () => questions(served))
    await t.test('together with addresses', () => satisfied(served))
    await t.test('guessing keeps out nobody else', () => guessing(served))
    await t.test('who leaves leaves nothing behind', () => leaving(served))
    await t.test('users come and go', (inner) => changes(inner, served))
    await t.test('nothing of it is shown', async () => {
      const shown = await served.plane.call('GET', '/v1/records/htpasswd/test/users')
      assert.equal(JSON.parse(shown.text).users, '[redacted]')
      const { revision } = await served.plane.status()
      const bad = { base: revision, set: { 'htpasswd/test/users': withDigest({ users: { hidden: 'hidden' } }) } }
      assert.match((await served.plane.call('PATCH', '/v1/records', bad)).body.rejected['htpasswd/test/users'] ?? '', /^users has/)
      assert.doesNotMatch(served.plane.log, /secret|hidden|\$2y\$|abcdefgh|sesame/)
      assert.deepEqual(served.plane.errors(), [])
    })
  })

  test('where a hash cannot be checked nobody with one comes in, and the log says why', async (t) => {
    const refused = async (served: Served, why: RegExp): Promise<void> => {
      await served.plane.put(await records(t))
      for (const password of ['secret', 'wrong']) {
        assert.equal(await statusOf(served, '/admin', as('bcrypt', password)), 503)
        assert.equal(await statusOf(served, '/here', as('bcrypt', password)), 200, 'by the address')
      }
      assert.deepEqual([await statusOf(served, '/admin', as('sha', 'secret')), await statusOf(served, '/admin')], [200, 401])
      await until('the log says why', () => why.test(served.plane.log))
      assert.doesNotMatch(served.plane.log, /secret|wrong|\$2y\$/)
    }
    await refused(await serve(t, setup, { prelude: 'ngx.run_worker_thread = nil' }), /this NGINX has no threads for Lua/)
    const env = { RESTY_INGRESS_HOME: await homeWithoutCrypt(t) }
    await refused(await serve(t, setup, { env }), /the libcrypt of this NGINX does not know the scheme/)
  })

  test('NGINX alone, started again, still asks', async (t) => {
    const served = await serve(t, setup)
    await served.plane.put(await records(t))
    await served.plane.stop('SIGKILL')
    const plane = await start(setup.variant, { folder: served.plane.folder })
    t.after(() => plane.stop())
    assert.deepEqual([await statusOf(served, '/admin'), await statusOf(served, '/admin', as('bcrypt', 'secret'))], [401, 200])
  })
})
