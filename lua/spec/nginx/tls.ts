/** Certificates, and servers that show them. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, connect, type ConnectionOptions, type Server, type TLSSocket } from 'node:tls'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** A self-signed certificate with this common name. */
export function keyPair(name: string): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), 'resty-ingress-cert-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}

export interface TlsPeer {
  readonly port: number
  readonly server: Server
}

/** A server that shows its name in its certificate, speaks `h2` and says again whatever it hears. */
export async function tlsPeer(t: TestContext, name: string): Promise<TlsPeer> {
  const server = createServer({ ...keyPair(name), ALPNProtocols: ['h2', 'private'] }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket)).on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** A connection after its handshake. Rejects with what went wrong. */
export async function handshake(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => socket.destroy())
  return socket
}

/** The common name that a server shows for a name. */
export async function shownName(t: TestContext, port: number, servername?: string): Promise<string> {
  const socket = await handshake(t, port, servername === undefined ? {} : { servername })
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return String(CN)
}
