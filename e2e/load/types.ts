/** What a load is asked to do, and what it reports. All times are milliseconds. */

export interface LoadOptions {
  /** Where connections go. */
  readonly address: string
  readonly port: number
  /** Over TLS; the name in the handshake is that of the request's host. */
  readonly tls?: { readonly ca: string }
  /** Sent in turn. */
  readonly requests: readonly LoadRequest[]
  /** Requests started in each second, whatever happens to those before; by default 0. */
  readonly rate?: number
  /** Connections that each send their next request when they have the last answer; by default 0. */
  readonly connections?: number
  /** How long after a pod has left its expected set a request may still start and reach it; by default 1000. */
  readonly staleMs?: number
  /** A request without an answer for so long is a failure; by default 30 000: a busy machine is slow. */
  readonly timeoutMs?: number
}

export interface LoadRequest {
  readonly host: string
  /** By default `/`. */
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** By default 200. */
  readonly status?: number
  /** Which expected set the answering pod must be in; see `Load.expect`. */
  readonly group?: string
}

export type Loop = 'rate' | 'closed'

/**
 * reset: the connection ended before the answer was complete. refused: there was none. timeout: no answer
 * in time. status: another status than expected. misrouted: a pod answered that was not expected.
 * unsent: too many requests of the fixed rate wait for answers already.
 */
export type FailureKind = 'reset' | 'refused' | 'timeout' | 'status' | 'misrouted' | 'unsent'

export interface Failure {
  readonly kind: FailureKind
  /** When the request started, ISO 8601. */
  readonly time: string
  /** The same since the load began. */
  readonly sinceStart: number
  /** How long the request had taken. */
  readonly duration: number
  readonly loop: Loop
  readonly method: string
  readonly url: string
  /** Connections are numbered from 1; 0 when there was none. */
  readonly connection: number
  /** Which request on this connection it was, from 1. */
  readonly requestOnConnection: number
  readonly localPort: number
  readonly error: string
  readonly status: number | undefined
  readonly pod: string | undefined
  readonly expected: readonly string[] | undefined
}

export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface LoopReport {
  readonly requests: number
  readonly connections: number
  /** From when a request was due, so that a stall counts for all requests that it delayed. */
  readonly latency: Latency
}

export interface LoadReport {
  readonly requests: number
  readonly failed: number
  readonly resets: number
  /** The first 1000 of them. */
  readonly failures: readonly Failure[]
  readonly answersByPod: Readonly<Record<string, number>>
  /** By pod, how long after it left its set the last request that reached it was started. */
  readonly stale: Readonly<Record<string, number>>
  readonly loops: Readonly<Record<Loop, LoopReport>>
  readonly seconds: number
  /** The longest time that the load client itself could not run: latencies below it mean nothing. */
  readonly ownStall: number
}

/** Parent to worker. */
export type Command =
  | { readonly type: 'start', readonly options: LoadOptions }
  | { readonly type: 'expect', readonly group: string, readonly pods: readonly string[], readonly since: number }
  | { readonly type: 'count' }
  | { readonly type: 'stop' }

/** Worker to parent. */
export type Answer =
  | { readonly type: 'started' }
  | { readonly type: 'count', readonly requests: number, readonly failed: number, readonly pods: number }
  | { readonly type: 'report', readonly report: LoadReport }

/** The machine's monotonic clock, the same in all processes. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
