/** The only client of the control API: HTTP over the unix socket that both containers share. */
import { Readable } from 'node:stream'
import { Pool } from 'undici'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import type { Capabilities } from '../nginx/input.ts'

/** Prometheus gives up after 10 s unless it is told otherwise; what the sidecar itself knows comes all the same. */
const SCRAPE_TIMEOUT_MS = 5_000
const LONGEST_SCRAPE = 256 * 1024 * 1024

export interface WorkerStatus {
  readonly pid: number
  readonly generation: number
  readonly config_hash: string
  readonly revision: number
}

/** Bytes, and the share of them that is used. */
export interface DictionaryUse {
  readonly capacity: number
  readonly free: number
  readonly used: number
}

export type Restored =
  | Readonly<Record<'revision' | 'records' | 'refused_records' | 'age_seconds', number>>
  | { readonly refused: string }

export interface DataPlaneStatus {
  /** Names one start of OpenResty: another one means that the records are gone. */
  readonly instance: string
  readonly generation: number
  readonly config_hash: string
  readonly revision: number
  readonly reloading: boolean
  readonly workers: readonly WorkerStatus[]
  readonly worker_count: number
  readonly nginx: { readonly version: string; readonly lua: string }
  readonly capabilities: Capabilities & Readonly<Record<string, boolean>>
  readonly loss_free_reload: boolean
  readonly dictionaries: Readonly<Record<string, DictionaryUse>>
  /** What this start took from the file of the records; absent: there was none. */
  readonly restored?: Restored
  /** The records on disk: `trouble` when they cannot be written. */
  readonly record_file: { readonly size: number; readonly trouble?: string }
}

/** An endpoint that gets no requests, and why. */
export interface EndpointOut {
  /** Record key. */
  readonly backend: string
  readonly address: string
  readonly port: number
  readonly reason: string
}

export interface HealthReport {
  /** `until_time`: seconds since the epoch. */
  readonly ejected: readonly (EndpointOut & { readonly until_time: number })[]
  readonly unhealthy: readonly EndpointOut[]
}

export type RecordSet = Readonly<Record<RecordKey, DataRecord>>

export type PushResult =
  | { readonly outcome: 'applied'; readonly revision: number; readonly rejected: Readonly<Record<RecordKey, string>> }
  | { readonly outcome: 'conflict'; readonly revision: number }
  | { readonly outcome: 'full'; readonly message: string; readonly needed: number; readonly capacity: number }

/** Milliseconds until all new workers served, and until no old one took new connections any more. */
export interface LoadedResult {
  readonly outcome: 'loaded'
  readonly generation: number
  readonly serving_ms: number
  readonly duration_ms: number
  readonly reloaded: boolean
}

export type ConfigResult =
  | LoadedResult
  /** `others`: more of what NGINX said, where it could not have several ports. */
  | { readonly outcome: 'refused'; readonly message: string; readonly line?: number; readonly others?: readonly string[] }
  | { readonly outcome: 'busy' | 'timeout'; readonly message: string }

/** Characters. */
const PIECE = 256 * 1024

/** An answer that the contract does not have. */
export class ControlError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(`control API answered ${status}: ${message}`)
    this.status = status
  }
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Every method rejects with an I/O error when OpenResty is not there. */
export class ControlClient {
  readonly #client: Pool

  constructor(socketPath: string) {
    // Several connections: a reload answers late, and records must not wait behind it.
    this.#client = new Pool('http://openresty', { socketPath, connections: 4, headersTimeout: 60_000, bodyTimeout: 60_000 })
  }

  async status(): Promise<DataPlaneStatus> {
    return (await this.#expect('GET', '/v1/status')) as unknown as DataPlaneStatus
  }

  /** Digest of each stored record. */
  async digests(): Promise<{ readonly revision: number; readonly digests: Readonly<Record<RecordKey, string>> }> {
    return (await this.#expect('GET', '/v1/records')) as never
  }

  async health(): Promise<HealthReport> {
    return (await this.#expect('GET', '/v1/health')) as unknown as HealthReport
  }

  /** The nginx.conf that runs. */
  async runningConfig(): Promise<string> {
    return (await this.#scrape('/v1/config')).toString('utf8')
  }

  /** The data plane's own metrics, in Prometheus text. */
  async metrics(): Promise<string> {
    return (await this.#scrape('/v1/metrics')).toString('utf8')
  }

  /** What the processes of NGINX use: see `api/processes.ts`. */
  async processes(): Promise<Readonly<Record<string, unknown>>> {
    return await this.#expect('GET', '/v1/processes')
  }

  /** How many requests there were, and how they went: see `api/request-series.ts`. */
  async requests(): Promise<Buffer> {
    return await this.#scrape('/v1/requests')
  }

  async patch(base: number, set: RecordSet, remove: readonly RecordKey[]): Promise<PushResult> {
    return pushResult(await this.#send('PATCH', '/v1/records', JSON.stringify({ base, set, delete: remove })))
  }

  async replace(set: RecordSet): Promise<PushResult> {
    return pushResult(await this.#send('PUT', '/v1/records', Readable.from(pieces(set), { highWaterMark: 1 })))
  }

  /** A file that the next configuration names, by the SHA-256 of its content. */
  async putFile(digest: string, content: string): Promise<void> {
    const { status, body } = await this.#send('PUT', `/v1/files/${digest}.pem`, content)
    if (status !== 200) throw new ControlError(status, String(body.message))
  }

  async config(text: string): Promise<ConfigResult> {
    const { status, body } = await this.#send('PUT', '/v1/config', text)
    const outcomes = { 200: 'loaded', 409: 'busy', 422: 'refused', 504: 'timeout' } as const
    const outcome = outcomes[status as keyof typeof outcomes]
    if (outcome === undefined) throw new ControlError(status, String(body.message))
    return { outcome, ...body } as unknown as ConfigResult
  }

  async close(): Promise<void> {
    await this.#client.destroy()
  }

  async #scrape(path: string): Promise<Buffer> {
    const signal = AbortSignal.timeout(SCRAPE_TIMEOUT_MS)
    const { statusCode, body } = await this.#client.request({ method: 'GET', path, signal })
    const parts: Buffer[] = []
    let length = 0
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length
      if (length > LONGEST_SCRAPE) throw new ControlError(statusCode, `${path} is longer than ${LONGEST_SCRAPE} bytes`)
      parts.push(part)
    }
    const bytes = Buffer.concat(parts)
    if (statusCode !== 200) throw new ControlError(statusCode, bytes.toString('utf8', 0, 200))
    return bytes
  }

  /** A question that met the end of a kept connection is asked again: at a reload old workers end those that idle. */
  async #expect(method: 'GET', path: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await this.#send(method, path).catch((error: unknown) => {
      if (!hasEnded(error)) throw error
      return this.#send(method, path)
    })
    if (status !== 200) throw new ControlError(status, String(body.message))
    return body
  }

  async #send(method: 'GET' | 'PUT' | 'PATCH', path: string, payload?: string | Readable): Promise<Answer> {
    const { statusCode, body } = await this.#client.request({ method, path, body: payload ?? null })
    const text = await body.text()
    return { status: statusCode, body: parseBody(statusCode, text) }
  }
}

/**
 * The JSON text of `{set}`, piece by piece: at the start it is all records, and as one text it would take
 * more memory than anything before or after.
 */
function * pieces(set: RecordSet): Generator<Buffer> {
  let text = '{"set":{'
  let separator = ''
  for (const [key, record] of Object.entries(set)) {
    text += `${separator}${JSON.stringify(key)}:${JSON.stringify(record)}`
    separator = ','
    if (text.length < PIECE) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(`${text}}}`)
}

function parseBody(status: number, text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    throw new ControlError(status, `not JSON: ${text.slice(0, 200)}`)
  }
}

/** The connection ended before there was an answer. */
function hasEnded(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function pushResult({ status, body }: Answer): PushResult {
  const outcomes = { 200: 'applied', 409: 'conflict', 507: 'full' } as const
  const outcome = outcomes[status as keyof typeof outcomes]
  if (outcome === undefined) throw new ControlError(status, String(body.message))
  return { outcome, ...body } as unknown as PushResult
}
