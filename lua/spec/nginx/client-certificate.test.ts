/** Certificates of clients: by host, without a reload, and never those of another handshake. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { authority } from './authority.ts'
import { backend, endpoints, host, route, withDigest, type Backend } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask as overHttp } from './client.ts'
import { everyVariant, serve, until, type Json, type Served } from './harness.ts'
import { ingress, service } from './layer4.ts'
import { sidecar } from './sidecar.ts'

const ROOT = authority('root')
const OTHER = authority('other')
const MIDDLE = ROOT.intermediate('middle')
const ALICE = ROOT.issue('/O=Example/CN=alice')
const EXPIRED = ROOT.issue('/CN=expired', -1)
const MALLORY = OTHER.issue('/CN=alice')
const DEEP = MIDDLE.issue('/CN=deep')
const DEFAULT = certificate('default')

const KEY = 'authority/test/root'
const DEMAND = { authority: KEY, depth: 1, verify: 'on' }

/** As the sidecar configures it; the curve is for handshakes that have to begin anew. */
const SESSIONS = { extra: 'ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve prime256v1; ssl_session_tickets off; ssl_session_cache shared:tls_sessions:1m;' }

function demanding(policy: Json = {}, policies: Json = {}): Json {
  const demand = { ...DEMAND, ...policy }
  const record = host([route({ policies: { ...policies, client_certificate: demand } })])
  return { ...record, client_certificate: demand }
}

function records(web: Backend): Json {
  return {
    'certificate/default': DEFAULT,
    'backend/test/web/80': endpoints(web),
    [KEY]: withDigest({ certificates: ROOT.certificate }),
    'authority/test/other': withDigest({ certificates: OTHER.certificate }),
    'host/default/a.example': demanding(),
    'host/default/same.example': demanding({ verify: 'optional' }),
    'host/default/other.example': demanding({ authority: 'authority/test/other' }),
    'host/default/optional.example': demanding({ verify: 'optional' }),
    'host/default/no-ca.example': demanding({ verify: 'optional_no_ca' }),
    'host/default/deep.example': demanding({ depth: 2 }),
    'host/default/shallow.example': demanding({ depth: 0 }),
    'host/default/alice.example': demanding({ match_cn: 'ali.*|bob' }),
    'host/default/bob.example': demanding({ match_cn: 'bob|lice|alic' }),
    'host/default/page.example': demanding({ error_page: 'https://login.example/certificate' }),
    'host/default/pass.example': demanding({ pass: true }),
    'host/default/gone.example': demanding({ authority: 'authority/test/gone' }),
    'host/default/redirected.example': demanding({}, { tls_redirect: { code: 308, port: 443 } }),
    'host/default/*.wild.example': demanding(),
    'host/default/plain.example': host([route()]),
  }
}

interface Client extends ConnectionOptions {
  /** As it is in the Host header; that of the handshake when absent. */
  readonly host?: string
  readonly headers?: readonly string[]
  readonly path?: string
}

interface Reply {
  readonly status: number
  readonly head: string
  readonly body: string
}

async function open(t: TestContext, { fixture }: Served, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port: fixture.httpsPort, rejectUnauthorized: false, ...options, host: '127.0.0.1' })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => socket.destroy())
  return socket
}

/** One request of HTTP/1.1 on a connection, whose answer has a length. */
async function exchange(socket: TLSSocket, name: string, headers: readonly string[] = [], path = '/'): Promise<Reply> {
  const reply = Promise.withResolvers<Reply>()
  let received = ''
  const hear = (chunk: Buffer): void => {
    received += chunk.toString()
    const end = received.indexOf('\r\n\r\n')
    const length = Number(/^content-length: (\d+)\r$/im.exec(received)?.[1] ?? 0)
    if (end < 0 || received.length < end + 4 + length) return
    const [head, body] = [received.slice(0, end), received.slice(end + 4)]
    reply.resolve({ status: Number(received.slice(9, 12)), head, body })
  }
  socket.on('data', hear).on('close', () => reply.reject(new Error(`closed after ${received}`)))
  socket.write([`GET ${path} HTTP/1.1`, `Host: ${name}`, ...headers, '', ''].join('\r\n'))
  return reply.promise.finally(() => socket.off('data', hear))
}

async function ask(t: TestContext, served: Served, servername: string, client: Client = {}): Promise<Reply> {
  const { host: name = servername, headers, path, ...options } = client
  const socket = await open(t, served, { ...options, ...(servername === '' ? {} : { servername }) })
  const reply = await exchange(socket, name, headers, path)
  socket.destroy()
  return reply
}

/** What a connection leaves for the next one; undefined: nothing. */
async function session(t: TestContext, served: Served, options: ConnectionOptions): Promise<Buffer | undefined> {
  return lastSession(await open(t, served, options), String(options.servername))
}

async function lastSession(socket: TLSSocket, name: string): Promise<Buffer | undefined> {
  let last: Buffer | undefined
  socket.on('session', (it: Buffer) => { last = it })
  await exchange(socket, name)
  if (socket.getProtocol() === 'TLSv1.2') last = socket.getSession()
  socket.destroy()
  return last
}

const HOST = 'objects.example'

/** An Ingress with these annotations and what it needs, as a folder holds it. */
function manifests(web: Backend, annotations: Readonly<Record<string, string>>): string {
  const data = { 'ca.crt': Buffer.from(ROOT.certificate).toString('base64') }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'prod', name: 'clients' }, data }
  const objects = [...service('web', [web.port]), secret, ingress('web', HOST, 'web', annotations)]
  return objects.map((it) => JSON.stringify(it)).join('\n---\n')
}

/** By the client of OpenSSL, which resumes under whatever name: what kind of handshake there was, and the status. */
async function openssl({ fixture }: Served, name: string, options: readonly string[]): Promise<string> {
  const address = ['-connect', `127.0.0.1:${fixture.httpsPort}`, '-servername', name]
  const child = spawn('openssl', ['s_client', '-ign_eof', ...address, ...options], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
  const output = await text(child.stdout)
  return `${/^(New|Reused), TLS/m.exec(output)?.[1]} ${/^HTTP\/1.1 ([0-9]+)/m.exec(output)?.[1]}`
}

everyVariant('client certificates', (setup) => {
  test('what a host demands', async (t) => {
    const web = await backend(t, 'web', (request, response) => {
      const names = Object.keys(request.headers).filter((name) => name.startsWith('ssl-client') || name.startsWith('ssl_client'))
      const told = Object.fromEntries(names.map((name) => [name, request.headers[name]]))
      const answer = JSON.stringify(told)
      response.writeHead(200, { 'content-length': Buffer.byteLength(answer) }).end(answer)
    })
    const served = await serve(t, setup, SESSIONS)
    await served.plane.put(records(web))
    const status = async (name: string, client: Client = {}): Promise<number> =>
      (await ask(t, served, name, client)).status
    const cases: readonly (readonly [number, string, Client])[] = [
      [200, 'a.example', ALICE],
      [400, 'a.example', {}],
      [400, 'a.example', MALLORY],
      [400, 'a.example', EXPIRED],
      [200, 'x.wild.example', ALICE],
      [400, 'x.wild.example', {}],
      [200, 'optional.example', {}],
      [200, 'optional.example', ALICE],
      [400, 'optional.example', MALLORY],
      [200, 'no-ca.example', {}],
      [200, 'no-ca.example', MALLORY],
      [400, 'no-ca.example', EXPIRED],
      [200, 'deep.example', { cert: DEEP.cert + MIDDLE.certificate, key: DEEP.key }],
      [400, 'shallow.example', { cert: DEEP.cert + MIDDLE.certificate, key: DEEP.key }],
      [200, 'alice.example', ALICE],
      [403, 'bob.example', ALICE],
      [302, 'page.example', {}],
      [302, 'page.example', MALLORY],
      [200, 'page.example', ALICE],
      [503, 'gone.example', ALICE],
      [200, 'plain.example', {}],
    ]
    for (const [expected, name, client] of cases) assert.equal(await status(name, client), expected, name)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.equal(await status('a.example', { ...ALICE, maxVersion }), 200)
      assert.equal(await status('a.example', { maxVersion }), 400)
      // The server asks for another key share first (HelloRetryRequest).
      assert.equal(await status('a.example', { ...ALICE, maxVersion, ecdhCurve: 'X25519:P-256' }), 200)
      assert.equal(await status('a.example', { maxVersion, ecdhCurve: 'X25519:P-256' }), 400)
    }
    const forged = ['ssl-client-verify: SUCCESS', 'SSL-Client-Cert: forged', 'ssl-client-subject-dn: CN=root']
    const told = async (name: string, client: Client): Promise<Json> =>
      JSON.parse((await ask(t, served, name, { ...client, headers: forged })).body) as Json
    const alice = { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=alice,O=Example', 'ssl-client-issuer-dn': 'CN=root' }
    assert.deepEqual(await told('a.example', ALICE), alice)
    assert.deepEqual(await told('optional.example', {}), { 'ssl-client-verify': 'NONE' })
    const { 'ssl-client-cert': passed, ...others } = await told('pass.example', ALICE)
    assert.deepEqual(others, alice)
    assert.equal(decodeURIComponent(String(passed)), ALICE.cert)
    assert.match((await ask(t, served, 'page.example')).head, /^location: https:\/\/login.example\/certificate$/im)
    assert.deepEqual(served.plane.errors(), [])
  })

  test('what no route takes is refused like all of the host', async (t) => {
    const last = await backend(t, 'last', (_, response) => response.writeHead(200, { 'content-length': 4 }).end('last'))
    const served = await serve(t, setup, SESSIONS)
    const only = (policy: Json = {}): Json => {
      const demand = { ...DEMAND, ...policy }
      return { ...host([route({ path: '/only', policies: { client_certificate: demand } })]), client_certificate: demand }
    }
    const all = {
      'certificate/default': DEFAULT,
      [KEY]: withDigest({ certificates: ROOT.certificate }),
      'backend/test/last/80': endpoints(last),
      'setting/global': withDigest({ default_backend: 'backend/test/last/80' }),
      'host/default/a.example': only(),
      'host/default/page.example': only({ error_page: 'https://login.example/certificate' }),
      'host/default/bob.example': only({ match_cn: 'bob' }),
      'host/default/gone.example': only({ authority: 'authority/test/gone' }),
      'host/default/closed.example': { ...host([]), closed: 'what it demands is not known' },
      'host/default/plain.example': host([route({ path: '/only' })]),
    }
    const asked = async (name: string, client: Client = {}): Promise<string> => {
      const { status, body } = await ask(t, served, name, { path: '/other', ...client })
      return status === 200 ? body : String(status)
    }
    await served.plane.put(all)
    assert.deepEqual([await asked('a.example', ALICE), await asked('a.example'), await asked('a.example', MALLORY)], ['last', '400', '400'])
    assert.equal(await asked('plain.example', { ...ALICE, host: 'a.example' }), '421')
    assert.deepEqual([await asked('page.example'), await asked('bob.example', ALICE), await asked('gone.example', ALICE)], ['302', '403', '503'])
    assert.deepEqual([await asked('closed.example', ALICE), await asked('plain.example'), await asked('unknown.example')], ['503', 'last', 'last'])
    assert.equal((await overHttp(served.http, { path: '/other' })).status, 403)
    const { 'setting/global': _, ...without } = all
    await served.plane.put(without)
    assert.deepEqual([await asked('a.example'), await asked('a.example', ALICE), await asked('plain.example')], ['400', '404', '404'])
    assert.deepEqual(served.plane.errors(), [])
  })

  test('another host on the connection', async (t) => {
    const web = await backend(t, 'web', (_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const served = await serve(t, setup, SESSIONS)
    await served.plane.put(records(web))
    const cross: readonly (readonly [number, string, string])[] = [
      [200, 'a.example', 'same.example'],
      [200, 'a.example', 'plain.example'],
      [421, 'plain.example', 'a.example'],
      [421, 'other.example', 'a.example'],
      [421, 'a.example', 'other.example'],
      [421, 'a.example', 'deep.example'],
      [421, '', 'a.example'],
      [421, 'unknown.example', 'a.example'],
    ]
    for (const [expected, servername, name] of cross) {
      const reply = await ask(t, served, servername, { ...ALICE, host: name })
      assert.equal(reply.status, expected, `${servername} ${name}`)
      assert.equal(/^connection: close\r?$/im.test(reply.head), expected === 421)
    }
    const session = connectHttp2(`https://127.0.0.1:${served.fixture.httpsPort}`, {
      rejectUnauthorized: false, servername: 'plain.example', ...ALICE,
    })
    t.after(() => session.destroy())
    const status = async (name: string): Promise<unknown> => {
      const stream = session.request({ ':authority': name, ':path': '/' })
      const [headers] = await once(stream, 'response')
      stream.close()
      return headers[':status']
    }
    assert.equal(await status('plain.example'), 200)
    assert.equal(await status('a.example'), 421)
    assert.equal(await status('plain.example'), 200)
    assert.deepEqual(served.plane.errors(), [])
  })

  test('a session that is resumed proves nothing', async (t) => {
    const web = await backend(t, 'web', (_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const served = await serve(t, setup, SESSIONS)
    const all = records(web)
    await served.plane.put(all)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      /** The status for a host, and whether its handshake was a resumption. */
      const resume = async (name: string, session?: Buffer, client: Client = {}): Promise<[number, boolean]> => {
        const options = session === undefined ? {} : { session }
        const socket = await open(t, served, { ...client, ...options, maxVersion, servername: name })
        const reused = socket.isSessionReused()
        const { status } = await exchange(socket, name)
        socket.destroy()
        return [status, reused]
      }
      const verified = await session(t, served, { ...ALICE, maxVersion, servername: 'a.example' })
      const anonymous = await session(t, served, { maxVersion, servername: 'plain.example' })
      assert.equal(verified === undefined, maxVersion === 'TLSv1.3')
      assert.ok(anonymous !== undefined)
      assert.deepEqual(await resume('plain.example', anonymous), [200, true])
      assert.deepEqual(await resume('a.example', verified), [400, false])
      assert.deepEqual(await resume('other.example', verified), [400, false])
      assert.deepEqual(await resume('plain.example', verified), [200, false])
      assert.deepEqual(await resume('a.example', verified, ALICE), [200, false])

      await served.plane.put({ ...all, 'host/default/b.example': host([route()]) })
      const before = await session(t, served, { maxVersion, servername: 'b.example' })
      await served.plane.put({ ...all, 'host/default/b.example': demanding() })
      const refused = await open(t, served, { ...ALICE, maxVersion, servername: 'b.example', session: before })
      assert.ok(refused.isSessionReused())
      const next = await lastSession(refused, 'b.example')
      assert.deepEqual(await resume('b.example', next, ALICE), [200, false])
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('nor does one that a client resumes under another name', async (t) => {
    const web = await backend(t, 'web', (_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const served = await serve(t, setup, SESSIONS)
    await served.plane.put(records(web))
    const pem = join(served.plane.folder, 'alice.pem')
    await writeFile(pem, ALICE.cert + ALICE.key)
    for (const version of ['-tls1_2', '-tls1_3']) {
      const file = join(served.plane.folder, `session${version}`)
      const client = (name: string, ...options: readonly string[]): Promise<string> =>
        openssl(served, name, [version, '-cert', pem, '-key', pem, ...options])
      assert.equal(await client('plain.example', '-sess_out', file), 'New 200')
      assert.equal(await client('a.example', '-sess_in', file, '-sess_out', file), 'Reused 421')
      assert.equal(await client('a.example', '-sess_in', file), 'New 200', version)
      await rm(file)
      assert.equal(await client('a.example', '-sess_out', file), 'New 200')
      // TLS 1.3 leaves none.
      if (version === '-tls1_2') assert.equal(await client('other.example', '-sess_in', file), 'New 400')
      assert.equal(existsSync(file), version === '-tls1_2')
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('another authority holds for the next request, whatever its connection', async (t) => {
    const web = await backend(t, 'web', (_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const served = await serve(t, setup, SESSIONS)
    const all = records(web)
    await served.plane.put(all)
    const { certificates } = all['authority/test/other'] as { certificates: string }
    const kept = await open(t, served, { ...ALICE, servername: 'a.example' })
    assert.equal((await exchange(kept, 'a.example')).status, 200)
    assert.equal((await exchange(kept, 'a.example')).status, 200)
    const third = await open(t, served, { ...ALICE, servername: 'a.example' })
    await served.plane.put({ ...all, [KEY]: withDigest({ certificates }) })
    const closed = once(kept, 'close')
    assert.equal((await exchange(kept, 'a.example')).status, 421)
    await closed
    assert.equal((await ask(t, served, 'a.example', ALICE)).status, 400)
    assert.equal((await ask(t, served, 'a.example', MALLORY)).status, 200)
    const { [KEY]: _, ...without } = all
    await served.plane.put(without)
    assert.equal((await exchange(third, 'a.example')).status, 503)
    assert.deepEqual(served.plane.errors(), [])
  })

  test('from objects: the owner of the host says it, and no client says who it is', async (t) => {
    const web = await backend(t, 'web', (request, response) => {
      const told = JSON.stringify(request.headers['ssl-client-verify'] ?? 'nothing')
      response.writeHead(200, { 'content-length': told.length }).end(told)
    })
    const demand = { 'auth-tls-secret': 'prod/clients' }
    const served = await sidecar(t, setup.variant, { 'a.yaml': manifests(web, {}) })
    const port = Number(new URL(served.https).port)
    const told = async (client: ConnectionOptions): Promise<string> => {
      const socket = connect({ ...client, port, host: '127.0.0.1', servername: HOST, rejectUnauthorized: false })
      t.after(() => socket.destroy())
      await once(socket, 'secureConnect')
      const reply = await exchange(socket, HOST, ['ssl-client-verify: SUCCESS', 'Connection: close'])
      return reply.status === 200 ? reply.body : String(reply.status)
    }
    const untilTold = (answer: string, client: ConnectionOptions): Promise<boolean> =>
      until(`it is ${answer}`, async () => await told(client) === answer)
    await untilTold('"nothing"', ALICE)
    await served.write('a.yaml', manifests(web, demand))
    await untilTold('"SUCCESS"', ALICE)
    assert.equal(await told({}), '400')
    await served.write('a.yaml', manifests(web, { ...demand, 'auth-tls-verify-client': 'true' }))
    await untilTold('503', ALICE)
    await served.write('a.yaml', manifests(web, demand))
    await untilTold('"SUCCESS"', ALICE)
    await served.write('a.yaml', manifests(web, { 'auth-tls-secret': 'prod/missing' }))
    await untilTold('503', ALICE)
    assert.deepEqual(served.plane.errors(), [])
  })
})
