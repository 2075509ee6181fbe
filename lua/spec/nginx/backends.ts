/** Backends on loopback that say who they are, and records that lead to them. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Json } from './harness.ts'
import { freePort } from './ports.ts'

export interface Backend {
  readonly name: string
  readonly port: number
  readonly server: Server
  requests: number
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Answers with its name, and with the number of bytes of the request's body. Connections are NGINX's to close: a
 * request that meets the end of one that idled too long would be an error in its log, or lost.
 */
export async function backend(
  test: TestContext, name: string, handler?: Handler, address = '127.0.0.1',
): Promise<Backend> {
  const self = { name, port: 0, requests: 0, server: createServer({ requireHostHeader: false, keepAliveTimeout: 0 }) }
  self.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    self.requests += 1
    if (handler !== undefined) return handler(request, response)
    let bytes = 0
    request.on('data', (chunk: Buffer) => { bytes += chunk.length })
    request.on('end', () => response.end(`${name} ${request.method} ${request.url} ${bytes}`))
  })
  // One of those that nobody else gets, also when it is free again: a test may close this.
  self.server.listen(await freePort(), address)
  await once(self.server, 'listening')
  self.port = (self.server.address() as AddressInfo).port
  test.after(() => {
    self.server.closeAllConnections()
    self.server.close()
  })
  return self
}

function withDigest<T extends object>(record: T): T & { digest: string } {
  return { digest: createHash('sha256').update(JSON.stringify(record)).digest('hex').slice(0, 32), ...record }
}

export function endpoints(...list: readonly (Backend | readonly [string, number])[]): Json {
  return withDigest({ endpoints: list.map((item) => ('port' in item ? ['127.0.0.1', item.port] : item)) })
}

export interface RouteOptions {
  readonly path?: string
  readonly pathType?: string
  readonly backend?: string
  readonly backends?: readonly { readonly backend: string; readonly weight: number }[]
  readonly policies?: Json
  readonly canary?: Json
  readonly canaries?: readonly Json[]
  readonly class?: string
  readonly closed?: string
}

export function route(options: RouteOptions = {}): Json {
  const { backend: service = 'web', ...rest } = options
  return {
    path: '/',
    pathType: 'Prefix',
    backends: [{ backend: `backend/test/${service}/80`, weight: 1 }],
    policies: {},
    origin: { kind: 'Ingress', namespace: 'test', name: 'demo', service, port: '80' },
    ...rest,
  }
}

export function host(routes: readonly Json[], certificate?: string): Json {
  return withDigest({ routes, ...(certificate === undefined ? {} : { certificate }) })
}

export { withDigest }
