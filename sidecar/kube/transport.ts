/**
 * HTTP to the API server: one pool of connections, current credentials on each request.
 * With TLS the pool speaks HTTP/2, so that thousands of watches share a few connections; its pings find
 * dead peers within two intervals.
 */
import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { Pool, ProxyAgent } from 'undici'
import type { Dispatcher } from 'undici'
import { Connector } from './connector.ts'
import { ApiError, DecodeError, NotLeadingError, asError, errorFromStatus } from './errors.ts'
import { parseJson } from './json-lines.ts'
import { OutageGate } from './outage-gate.ts'
import type { RetryTiming } from './retry.ts'
import { realWait } from './wait.ts'

/** Where the API server is and as whom to ask it: as much of a KubeConfig as is needed. */
export type ApiAccess = Pick<KubeConfig, 'getCurrentCluster' | 'applyToHTTPSOptions'>

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Path below the server's URL, for example `/api/v1/services`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** Called when nothing more has to be waited for; what it throws keeps the request back. */
  readonly beforeSending?: () => void
}

/** One page of 500 large EndpointSlices stays far below. */
const MAX_BODY = 256 * 1024 * 1024
const HEADERS_TIMEOUT = 60_000
/** Between two chunks of an ordinary answer. A watch has no such limit: it may be silent for minutes. */
const BODY_TIMEOUT = 60_000
/** As in client-go: TCP keep-alive 30 s, HTTP/2 ping 15 s (health checks of 30 s + 15 s there). */
const TCP_KEEP_ALIVE = 30_000
const PING_INTERVAL = 15_000
const PROBE_TIMEOUT = 5_000
const HEADERS = { 'accept': 'application/json', 'user-agent': 'resty-ingress' }

/**
 * How long credentials are used before they are asked for again: that reads files each time, which thousands
 * of watches that reopen at once should not. Far below the hour that a rotated token stays valid.
 */
const CREDENTIALS_AGE = 5_000

/** How often the server is asked for while it is away. */
const PROBE_TIMING: RetryTiming = { backoffMin: 100, backoffMax: 2_000, wait: realWait }

interface Connection {
  /** What the dispatcher was made of: rotated certificates or a new CA need a new one. */
  readonly identity: string
  readonly dispatcher: Dispatcher
  /** Ends it so that nothing of it reaches the server any more. Not known of connections by way of a proxy. */
  readonly reset: () => void
}

interface Prepared {
  readonly dispatcher: Dispatcher
  readonly headers: Readonly<Record<string, string>>
}

export class ApiTransport {
  readonly #config: ApiAccess
  readonly #server: URL
  readonly #gate: OutageGate
  #connection: Connection | undefined
  #prepared: { readonly at: number; readonly value: Promise<Prepared> } | undefined

  /** Throws when the configuration names no cluster; client.ts makes sure that it does. */
  constructor(config: ApiAccess, timing = PROBE_TIMING) {
    const cluster = config.getCurrentCluster()
    if (!cluster) throw new Error('the Kubernetes configuration names no cluster')
    this.#config = config
    this.#server = new URL(cluster.server)
    this.#gate = new OutageGate({ probe: (signal) => this.#probe(signal), timing })
  }

  /** The decoded JSON answer. Throws ApiError for any other answer than 2xx, and when there is none. */
  async json(request: ApiRequest): Promise<unknown> {
    const body = await this.#send(request, BODY_TIMEOUT)
    try {
      return parseJson(await collect(body, MAX_BODY))
    } catch (error) {
      throw asApiError(error, request)
    }
  }

  /**
   * The body of an answer as it arrives. Throws ApiError as `json` does; later failures come out of the
   * iterable as they are. Leaving the loop ends the request.
   */
  async stream(request: ApiRequest): Promise<AsyncIterable<Uint8Array>> {
    return this.#send(request, 0)
  }

  /**
   * Ends every request at once, and what of them the server does not have yet will never reach it. The next
   * request opens new connections.
   */
  reset(): void {
    this.#connection?.reset()
    void this.#connection?.dispatcher.destroy()
    this.#connection = undefined
    this.#prepared = undefined
  }

  /** Ends every request and connection. */
  async close(): Promise<void> {
    this.#gate.close()
    await this.#connection?.dispatcher.destroy()
    this.#connection = undefined
    this.#prepared = undefined
  }

  async #send(request: ApiRequest, bodyTimeout: number): Promise<Dispatcher.ResponseData['body']> {
    const response = await this.#answer(request, bodyTimeout).catch((error: unknown) => {
      throw asApiError(error, request)
    })
    if (response.statusCode < 300) return response.body
    if (response.statusCode === 401) this.#prepared = undefined
    throw await refusal(response)
  }

  async #answer(request: ApiRequest, bodyTimeout: number): Promise<Dispatcher.ResponseData> {
    const { signal } = request
    await this.#gate.pass(signal)
    const { dispatcher, headers } = await this.#prepare()
    request.beforeSending?.()
    try {
      return await dispatcher.request({
        origin: this.#server.origin,
        path: this.#path(request),
        method: request.method ?? 'GET',
        headers: { ...headers, ...HEADERS, ...contentType(request) },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: signal ?? null,
        headersTimeout: HEADERS_TIMEOUT,
        bodyTimeout,
      })
    } catch (error) {
      if (!signal?.aborted) this.#gate.lost()
      throw error
    }
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { dispatcher, headers } = await this.#prepare()
    const timeouts = { headersTimeout: PROBE_TIMEOUT, bodyTimeout: PROBE_TIMEOUT }
    const path = this.#path({ path: '/livez' })
    const { body } = await dispatcher.request({
      origin: this.#server.origin,
      path,
      method: 'GET',
      headers: { ...headers, ...HEADERS },
      signal,
      ...timeouts,
    })
    await body.dump()
  }

  #path(request: ApiRequest): string {
    const query = new URLSearchParams(request.query).toString()
    const prefix = this.#server.pathname.replace(/\/$/, '')
    return `${prefix}${request.path}${query === '' ? '' : `?${query}`}`
  }

  #prepare(): Promise<Prepared> {
    const now = performance.now()
    if (this.#prepared === undefined || now - this.#prepared.at > CREDENTIALS_AGE) {
      this.#prepared = { at: now, value: this.#authenticate() }
    }
    return this.#prepared.value
  }

  async #authenticate(): Promise<Prepared> {
    const options: RequestOptions = { headers: {} }
    await this.#config.applyToHTTPSOptions(options)
    const tls = tlsOptions(options)
    const identity = JSON.stringify(tls)
    if (this.#connection?.identity !== identity) {
      // The old pool finishes what it carries: watches end by their own time limit.
      void this.#connection?.dispatcher.close()
      this.#connection = { identity, ...this.#connect(tls) }
    }
    return { dispatcher: this.#connection.dispatcher, headers: options.headers as Record<string, string> }
  }

  #connect(tls: TlsOptions): Omit<Connection, 'identity'> {
    const http2 = { allowH2: true, h2Options: { maxConcurrentStreams: 250, pingInterval: PING_INTERVAL } }
    const proxy = this.#config.getCurrentCluster()?.proxyUrl
    if (proxy) {
      return { dispatcher: new ProxyAgent({ uri: proxy, requestTls: tls, ...http2 }), reset: () => undefined }
    }
    const connector = new Connector({ ...tls, allowH2: true, keepAliveInitialDelay: TCP_KEEP_ALIVE })
    const { connect } = connector
    return { dispatcher: new Pool(this.#server.origin, { connect, ...http2 }), reset: () => connector.reset() }
  }
}

type TlsOptions = Pick<RequestOptions, (typeof TLS_FIELDS)[number]>

const TLS_FIELDS = ['ca', 'cert', 'key', 'passphrase', 'rejectUnauthorized', 'servername'] as const

function tlsOptions(options: RequestOptions): TlsOptions {
  return Object.fromEntries(
    TLS_FIELDS.filter((field) => options[field] !== undefined).map((field) => [field, options[field]]),
  )
}

function contentType(request: ApiRequest): Record<string, string> {
  return request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }
}

async function collect(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw new Error(`the answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size).toString('utf8')
}

async function refusal(response: Dispatcher.ResponseData): Promise<ApiError> {
  const retryAfter = Number(response.headers['retry-after'] ?? 0) * 1000
  // An error page of a proxy in between is no Status: the HTTP status alone must do.
  const body = await collect(response.body, MAX_BODY).then(parseJson).catch(() => undefined)
  return errorFromStatus(body, response.statusCode, Number.isFinite(retryAfter) ? retryAfter : 0)
}

function asApiError(thrown: unknown, request: ApiRequest): Error {
  if (thrown instanceof ApiError || thrown instanceof DecodeError || thrown instanceof NotLeadingError) return thrown
  const error = asError(thrown)
  const what = `${request.method ?? 'GET'} ${request.path}`
  return new ApiError(`${what}: ${error.message}`, { status: 0 }, error)
}
