/** One request over a keep-alive agent, and what became of it; never throws. */

import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { FailureKind, LoadOptions, LoadRequest } from './types.ts'

/** A connection and how many requests it has carried. */
export interface Connection {
  readonly id: number
  /** 0 when it was never there. */
  localPort: number
  requests: number
}

export interface Outcome {
  readonly connection: Connection | undefined
  /** Which request on the connection this was. */
  readonly requestOnConnection: number
  readonly status?: number
  readonly pod?: string
  readonly failure?: { readonly kind: FailureKind, readonly error: string }
}

/**
 * Half of the proxy's `keepalive_min_timeout`, for which a stopping worker keeps an idle connection: who uses one that
 * was idle for just as long may meet its end, which no server of HTTP/1.1 can prevent (RFC 9112, section 9.5).
 */
const IDLE_MS = 5_000

const POD_IN_BODY = /"pod"\s*:\s*"([^"]+)"/

export class Exchanger {
  readonly #options: LoadOptions
  readonly #agent: HttpAgent
  readonly #connections = new WeakMap<Socket, Connection>()
  #opened = 0

  /** At most `connections` at once. */
  constructor(options: LoadOptions, connections: number) {
    this.#options = options
    const settings = { keepAlive: true, timeout: IDLE_MS, maxSockets: connections, maxFreeSockets: connections }
    this.#agent = options.tls === undefined
      ? new HttpAgent(settings)
      : new HttpsAgent({ ...settings, ca: options.tls.ca })
  }

  get opened(): number {
    return this.#opened
  }

  close(): void {
    this.#agent.destroy()
  }

  async send(spec: LoadRequest): Promise<Outcome> {
    const request = this.#request(spec)
    let connection: Connection | undefined
    let order = 0
    request.once('socket', (socket) => {
      connection = this.#connectionOf(socket)
      order = ++connection.requests
    })
    const result = await this.#exchange(request, spec)
    return { connection, requestOnConnection: order, ...result }
  }

  #request(spec: LoadRequest): ClientRequest {
    const { address, port, tls } = this.#options
    const { host, path = '/', method = 'GET', headers = {} } = spec
    const options = { host: address, port, path, method, agent: this.#agent, headers: { ...headers, host } }
    return tls === undefined
      ? httpRequest(options)
      : httpsRequest({ ...options, servername: host.replace(/:\d+$/, '') })
  }

  async #exchange(
    request: ClientRequest, spec: LoadRequest,
  ): Promise<Pick<Outcome, 'status' | 'pod' | 'failure'>> {
    const { timeoutMs = 30_000 } = this.#options
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({ failure: { kind: 'timeout', error: `no answer within ${timeoutMs} ms` } })
        request.destroy()
      }, timeoutMs)
      const end = (outcome: Pick<Outcome, 'status' | 'pod' | 'failure'>): void => {
        clearTimeout(timer)
        resolve(outcome)
      }
      request.on('error', (error) => { end({ failure: classify(error) }) })
      request.once('response', (response) => { readAnswer(response, end) })
      request.end(spec.body)
    })
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const id = ++this.#opened
    const connection = { id, requests: 0, localPort: socket.localPort ?? 0 }
    // A socket that has ended does not know any more.
    socket.once('connect', () => { connection.localPort = socket.localPort ?? 0 })
    this.#connections.set(socket, connection)
    return connection
  }
}

function readAnswer(
  response: IncomingMessage, end: (outcome: Pick<Outcome, 'status' | 'pod' | 'failure'>) => void,
): void {
  const status = response.statusCode ?? 0
  const header = response.headers['x-pod']
  let body = ''
  response.setEncoding('latin1')
  response.on('data', (chunk: string) => { if (header === undefined && body.length < 16_384) body += chunk })
  response.once('error', (error) => { end({ status, failure: classify(error) }) })
  response.once('end', () => {
    const pod = typeof header === 'string' ? header : POD_IN_BODY.exec(body)?.[1]
    end({ status, ...pod === undefined ? {} : { pod } })
  })
}

function classify(error: NodeJS.ErrnoException): { kind: FailureKind, error: string } {
  const notConnected = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']
  const kind = notConnected.includes(error.code ?? '') ? 'refused' : 'reset'
  return { kind, error: `${error.code ?? error.name}: ${error.message}` }
}
