/** Backends that speak HTTP/2 as gRPC does, and HTTPS with WebSockets, without their libraries. */
import { once } from 'node:events'
import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { KeyPair } from './tls.ts'

export interface GrpcBackend {
  readonly port: number
  /** Headers of the last call. */
  last: IncomingHttpHeaders
}

/** Sends back what it gets as it comes, and trailers at the end; with TLS when there is a certificate. */
export async function grpcBackend(t: TestContext, pair?: KeyPair): Promise<GrpcBackend> {
  const server = pair === undefined ? createServer() : createSecureServer({ ...pair })
  const self: { port: number; last: IncomingHttpHeaders } = { port: 0, last: {} }
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    self.last = headers
    stream.on('error', () => stream.close())
    stream.respond({ 'content-type': 'application/grpc', 'x-accel-redirect': '/elsewhere' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-trailer': 'end' }))
    stream.pipe(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  self.port = (server.address() as AddressInfo).port
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return self
}

export interface HttpsBackend {
  readonly port: number
  /** What the last request asked for. */
  readonly last: { readonly host: string; readonly url: string }
  /** Upgrades a connection to a proxy, says hello, and resolves to what comes back. */
  talk(proxy: string, host: string): Promise<string>
}

/** Says "encrypted", with the status of the header `x-answer`; after an upgrade it says again what it hears. */
export async function httpsBackend(t: TestContext, pair: KeyPair): Promise<HttpsBackend> {
  const last = { host: '', url: '' }
  const server = createHttpsServer({ ...pair, keepAliveTimeout: 0 }, (request, response) => {
    Object.assign(last, { host: request.headers.host, url: request.url })
    response.statusCode = Number(request.headers['x-answer'] ?? 200)
    response.end('encrypted')
  })
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { last, port: (server.address() as AddressInfo).port, talk: (proxy, host) => talk(t, proxy, host) }
}

async function talk(t: TestContext, proxy: string, host: string): Promise<string> {
  const socket = connect(Number(new URL(proxy).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`)
  let heard = ''
  socket.on('data', (part: Buffer) => { heard += part.toString() })
  while (!heard.includes('\r\n\r\n')) await once(socket, 'data')
  socket.write('hello')
  while (!heard.endsWith('hello')) await once(socket, 'data')
  return heard.split('\r\n\r\n')[1] ?? ''
}
