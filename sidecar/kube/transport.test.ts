import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { loadKubeConfig } from './client.ts'
import { ApiError, NotLeadingError } from './errors.ts'
import { FakeApiServer } from './testing/fake-apiserver.ts'
import { FAST_PROBE, until } from './testing/harness.ts'
import { ApiTransport } from './transport.ts'

interface Http2Server {
  readonly transport: ApiTransport
  readonly authorizations: (string | undefined)[]
  /** Codes of what went wrong with streams. */
  readonly errors: (string | undefined)[]
  readonly tokenFile: string
  sessions: number
  /** The only token that is not answered with 401. */
  token: string
}

/** HTTP/2 over TLS with a service account folder; a request for `/watch` stays open. */
async function startHttp2(context: TestContext): Promise<Http2Server> {
  const dir = await mkdtemp(join(tmpdir(), 'resty-ingress-tls-'))
  context.after(() => rm(dir, { recursive: true }))
  const [key, cert, tokenFile] = [join(dir, 'key.pem'), join(dir, 'ca.crt'), join(dir, 'token')]
  await writeFile(tokenFile, 'good')
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
    '-subj', '/CN=fake', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert,
  ], { stdio: 'ignore' })
  const server = createSecureServer({ key: await readFile(key), cert: await readFile(cert) })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
  const loaded = await loadKubeConfig({ serviceHost: '127.0.0.1', servicePort: String(port), serviceAccountDir: dir })
  assert.ok(loaded.ok)
  const transport = new ApiTransport(loaded.config, FAST_PROBE)
  const state: Http2Server = { transport, authorizations: [], errors: [], tokenFile, sessions: 0, token: 'good' }
  server.on('session', () => state.sessions++)
  server.on('stream', (stream, headers) => {
    stream.on('error', (error: NodeJS.ErrnoException) => state.errors.push(error.code))
    state.authorizations.push(headers.authorization)
    const allowed = headers.authorization === `Bearer ${state.token}`
    stream.respond({ ':status': allowed ? 200 : 401 })
    if (headers[':path'] === '/watch' && allowed) stream.write('{}\n')
    else stream.end('{}')
  })
  context.after(async () => {
    await transport.close()
    server.close()
  })
  return state
}

test('transport: watches over TLS share one connection', async (context) => {
  const server = await startHttp2(context)
  const stop = new AbortController()
  const first = async (): Promise<string> => {
    const stream = await server.transport.stream({ path: '/watch', signal: stop.signal })
    const { value } = await stream[Symbol.asyncIterator]().next() as { value: Uint8Array }
    return Buffer.from(value).toString()
  }
  const lines = await Promise.all(Array.from({ length: 80 }, first))
  assert.deepEqual(new Set(lines), new Set(['{}\n']))
  assert.equal(server.sessions, 1)
  stop.abort()
})

test('transport: after a 401 the token is read again', async (context) => {
  const server = await startHttp2(context)
  await server.transport.json({ path: '/x' })
  server.token = 'rotated'
  await writeFile(server.tokenFile, 'rotated')
  await assert.rejects(server.transport.json({ path: '/x' }), (error) => error instanceof ApiError && error.status === 401)
  await server.transport.json({ path: '/x' })
  assert.deepEqual(server.authorizations, ['Bearer good', 'Bearer good', 'Bearer rotated'])
})

test('transport: the path of the server URL comes first', async (context) => {
  const server = await startFake(context)
  const loaded = await loadKubeConfig({ apiserverHost: `${server.url}/k8s/clusters/c1/` })
  assert.ok(loaded.ok)
  const transport = new ApiTransport(loaded.config, FAST_PROBE)
  context.after(() => transport.close())
  await assert.rejects(transport.json({ path: '/api/v1/services' }), (error) => error instanceof ApiError && error.status === 404)
  assert.equal(server.requests[0]?.path, '/k8s/clusters/c1/api/v1/services')
})

test('transport: a refusal tells status, reason and the wait that the server asks for', async (context) => {
  const server = await startFake(context)
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  context.after(() => transport.close())
  server.failNext({ status: 429, retryAfter: 3, reason: 'TooManyRequests' })
  await assert.rejects(transport.json({ path: '/api/v1/services' }), (error) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.reason, error.retryAfter], [429, 'TooManyRequests', 3000])
    return true
  })
})

test('transport: while the server is away requests wait, and one probe asks', async (context) => {
  const server = await startFake(context)
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  context.after(() => transport.close())
  await server.shutDown()
  await assert.rejects(transport.json({ path: '/api/v1/services' }), (error) => error instanceof ApiError && error.unreachable)
  const answers = Array.from({ length: 50 }, () => transport.json({ path: '/api/v1/services' }))
  const given = new AbortController()
  const givenUp = transport.json({ path: '/api/v1/services', signal: given.signal })
  given.abort(new Error('no more'))
  await assert.rejects(givenUp, /no more/)
  assert.equal(server.requests.length, 0)
  await server.listen()
  await Promise.all(answers)
  await until(() => server.lists === 50, () => 'every request was answered')
})

test('transport: after a reset nothing is under way, and the next request has a new connection', async (context) => {
  const server = await startHttp2(context)
  const body = await server.transport.stream({ path: '/watch' })
  const rest = (async () => { for await (const _ of body); })()
  const ended = rest.then(() => 'ended', () => 'cut')
  await until(() => server.sessions === 1, () => 'the watch is open')
  server.transport.reset()
  assert.equal(await ended, 'cut')
  // Not closed: that would leave to the kernel what was not sent yet.
  await until(() => server.errors.includes('ECONNRESET'), () => 'the server has noticed')
  await server.transport.json({ path: '/again' })
  assert.equal(server.sessions, 2)
})

test('transport: a request that is no more allowed when it could leave is kept back', async (context) => {
  const server = await startFake(context)
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  context.after(() => transport.close())
  const beforeSending = (): void => {
    throw new NotLeadingError()
  }
  await assert.rejects(transport.json({ path: '/api/v1/services', beforeSending }), NotLeadingError)
  assert.deepEqual(server.requests, [])
})

async function startFake(context: TestContext): Promise<FakeApiServer> {
  const server = await FakeApiServer.start()
  context.after(() => server.shutDown())
  return server
}
