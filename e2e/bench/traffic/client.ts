/** What the load clients have in common: closed loops over keep-alive connections. */
import { requirePrograms } from '../../lab/packages.ts'

export interface LoadOptions {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** The core that the client runs on. */
  readonly core: number
  /** Instead of keeping its connections, the client makes a new one for each request. */
  readonly reconnect?: boolean
}

export interface LoadResult {
  readonly requests: number
  readonly microseconds: number
  /** Requests that failed, and statuses above 399. */
  readonly errors: number
  /** Latency in microseconds. */
  readonly p50: number
  readonly p99: number
}

export type Client = (options: LoadOptions) => Promise<LoadResult>

/** Installs the clients where we may; throws the command that does it where we may not. */
export async function requireClients(): Promise<void> {
  await requirePrograms([['wrk', 'wrk'], ['h2load', 'nghttp2-client']])
}
