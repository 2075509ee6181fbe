/** What the rows lead to: backends that say what they got, and others that fail in a way of their own. */
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { authority, type Authority } from '../authority.ts'
import { backend, type Handler } from '../backends.ts'
import { secretObject } from '../cluster-objects.ts'
import { fastcgiBackend } from '../fastcgi.ts'
import { grpcBackend } from '../grpc.ts'
import { answers, givesUpAfter, peer } from '../peers.ts'
import type { KeyPair } from '../tls.ts'

/**
 * web, other, third: say what they got. secure, deep: the same over TLS, the second with two authorities between its
 * certificate and the root. auth: lets in by its path. copies: takes copies. failing: 503. late: gives up after 2 s,
 * without an answer. deaf: never takes a connection. dead: nobody listens.
 */
export type PeerName =
  'web' | 'other' | 'third' | 'secure' | 'deep' | 'auth' | 'copies' | 'failing' | 'late' | 'deaf' | 'dead' | 'grpc' | 'fastcgi'

/** distant: with two authorities between the certificate and the root. */
export type ClientName = 'alice' | 'bob' | 'distant'

export interface World {
  readonly ports: Readonly<Record<PeerName, number>>
  readonly clients: Readonly<Record<ClientName, KeyPair>>
  /** What was copied, by its URL. */
  readonly copies: ReadonlyMap<string, Echo>
  /** Hosts of which a request waits for an answer that does not come. */
  readonly waiting: ReadonlySet<string>
  /** What annotations may name, in each namespace. */
  supplies(namespace: string): object[]
}

/** What a backend got, as it says in its answer: headers by their names, and what else there is to say. */
export type Echo = IncomingHttpHeaders & Readonly<Record<'by' | 'method' | 'url' | 'version' | 'body', string>>

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function tlsFacts(socket: TLSSocket): object {
  const { name: cipher } = socket.getCipher()
  const { CN: client } = socket.getPeerCertificate().subject ?? {}
  return { sni: socket.servername, protocol: socket.getProtocol(), cipher, client }
}

/**
 * Parameters of the query ask for more: `status`, `fill` (so many bytes more), `early` (an answer before the body is
 * there), `silent` (none), `unread` (nor is the body read); all others are headers of the answer.
 */
function echo(by: string, waiting = new Set<string>()): Handler {
  return (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://echo')
    if (searchParams.has('unread')) return
    const body = searchParams.has('early') ? Promise.resolve('') : bodyOf(request)
    void body.then((body) => {
      if (searchParams.has('silent')) return void waiting.add(request.headers.host ?? '')
      const { status = '200', fill = '0', ...headers } = Object.fromEntries(searchParams)
      const { method, url, httpVersion: version, socket } = request
      const tls = 'encrypted' in socket ? tlsFacts(socket as TLSSocket) : {}
      response.writeHead(Number(status), { 'Content-Type': 'application/json', ...headers })
      const said = { ...request.headers, ...tls, by, method, url, version, body }
      response.end(JSON.stringify({ ...said, fill: 'x'.repeat(Number(fill)) }))
    })
  }
}

/** The status is the path; headers say what it was asked, and how often for this URL; `?cookie`: and a cookie. */
function authService(): Handler {
  const counts = new Map<string, number>()
  return (request, response) => {
    const { method, url = '', headers } = request
    const original = String(headers['x-original-url'])
    const count = (counts.get(original) ?? 0) + 1
    counts.set(original, count)
    const asked = JSON.stringify({ method, url, ...headers })
    const cookie = url.endsWith('?cookie') ? { 'Set-Cookie': 'asked=1' } : {}
    response.writeHead(Number(/\d+/.exec(url)?.[0]), { 'X-User': 'alice', 'X-Asked': asked, 'X-Count': count, ...cookie }).end()
  }
}

function recorder(copies: Map<string, Echo>): Handler {
  return (request, response) => {
    void bodyOf(request).then((body) => {
      const { method = '', url = '', headers, httpVersion: version } = request
      copies.set(url, { ...headers, by: 'copies', method, url, version, body } as Echo)
      response.end()
    })
  }
}

async function secureBackend(t: TestContext, name: string, pair: KeyPair): Promise<number> {
  const server = createTlsServer({ ...pair, requestCert: true, rejectUnauthorized: false, keepAliveTimeout: 0 }, echo(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Listens in a thread that then stands still. */
const BACKLOG = 1
const DEAF = `
  const { parentPort } = require('node:worker_threads')
  const { createServer } = require('node:net')
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: ${BACKLOG} }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

/** Its queue is full, and the kernel answers no more of those who connect. */
async function deafPeer(t: TestContext): Promise<number> {
  const thread = new Worker(DEAF, { eval: true })
  const [port] = await once(thread, 'message') as [number]
  const queue = Array.from({ length: BACKLOG + 1 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.after(async () => {
    for (const socket of queue) socket.destroy()
    await thread.terminate()
  })
  await Promise.all(queue.map((socket) => once(socket, 'connect')))
  return port
}

/** A certificate with two authorities between it and the root. */
function distant(root: Authority, name: string): KeyPair {
  const first = root.intermediate('first')
  const second = first.intermediate('second')
  const { cert, key } = second.issue(`/CN=${name}`)
  return { cert: cert + second.certificate + first.certificate, key }
}

function configMap(name: string, namespace: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
}

/** A Service with one endpoint. */
function service(name: string, namespace: string, port: number): object[] {
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } },
    {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [{ port }],
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
  ]
}

/** Of alice: secret. */
const PASSWORD = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='

/** All of it ends with the test. */
export async function world(t: TestContext): Promise<World> {
  const root = authority('root')
  const copies = new Map<string, Echo>()
  const waiting = new Set<string>()
  const http = async (name: string, handler: Handler): Promise<number> => (await backend(t, name, handler)).port
  const ports = {
    web: await http('web', echo('web', waiting)),
    other: await http('other', echo('other', waiting)),
    third: await http('third', echo('third')),
    auth: await http('auth', authService()),
    copies: await http('copies', recorder(copies)),
    failing: (await peer(t, answers('{}', '503 Service Unavailable'))).port,
    late: (await peer(t, givesUpAfter(2000))).port,
    deaf: await deafPeer(t),
    dead: 1,
    secure: await secureBackend(t, 'secure', root.issue('/CN=backend.internal')),
    deep: await secureBackend(t, 'deep', distant(root, 'backend.internal')),
    grpc: (await grpcBackend(t)).port,
    fastcgi: (await fastcgiBackend(t)).port,
  }
  const clients = { alice: root.issue('/CN=alice'), bob: root.issue('/CN=bob'), distant: distant(root, 'distant') }
  const gateway = root.issue('/CN=gateway')
  return {
    ports, clients, copies, waiting,
    supplies: (namespace) => [
      secretObject('users', { auth: `alice:${PASSWORD}` }, namespace),
      secretObject('people', { alice: PASSWORD }, namespace),
      secretObject('authority', { 'ca.crt': root.certificate }, namespace),
      secretObject('gateway', { 'ca.crt': root.certificate, 'tls.crt': gateway.cert, 'tls.key': gateway.key }, namespace),
      configMap('headers', namespace, { 'X-Custom': 'yes' }),
      configMap('params', namespace, { APP_ENV: 'production' }),
      ...service('spare', namespace, ports.other),
    ],
  }
}
