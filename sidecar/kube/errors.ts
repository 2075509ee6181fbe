/** What can go wrong between us and the API server, so that callers decide by facts instead of text. */

/** The parts of a `metav1.Status` that we act on. */
export interface ApiStatus {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number
  /** The machine-readable word of the answer, for example `Expired` or `Forbidden`. */
  readonly reason?: string
  /** How long the server asks us to wait, in milliseconds. */
  readonly retryAfter?: number
}

export class ApiError extends Error implements ApiStatus {
  readonly status: number
  readonly reason: string
  readonly retryAfter: number

  constructor(message: string, facts: ApiStatus, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ApiError'
    this.status = facts.status
    this.reason = facts.reason ?? ''
    this.retryAfter = facts.retryAfter ?? 0
  }

  /** The resource version or continue token is older than what the server still has. */
  get expired(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone'
  }

  /** There was no answer: refused, reset, timed out, or a TLS failure. */
  get unreachable(): boolean {
    return this.status === 0
  }
}

/** The server answered with something that is not what its API promises. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/** An open watch said nothing for longer than the server may stay silent. */
export class StallError extends Error {
  override readonly name = 'StallError'
}

/** Another replica leads, or may lead by now: nothing was sent. */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError'
  constructor() {
    super('this replica does not lead')
  }
}

interface RawStatus {
  readonly kind?: unknown
  readonly code?: unknown
  readonly reason?: unknown
  readonly message?: unknown
  readonly details?: { readonly retryAfterSeconds?: unknown }
}

/**
 * Makes an ApiError of a `metav1.Status`, as it comes with an HTTP error or in an ERROR frame of a watch.
 * `retryAfter`: milliseconds from the header, which wins over the body.
 */
export function errorFromStatus(body: unknown, httpStatus: number, retryAfter = 0): ApiError {
  const status: RawStatus = typeof body === 'object' && body !== null ? body : {}
  const seconds = Number(status.details?.retryAfterSeconds ?? 0)
  const code = typeof status.code === 'number' ? status.code : httpStatus
  return new ApiError(typeof status.message === 'string' ? status.message : `HTTP status ${code}`, {
    status: code,
    reason: typeof status.reason === 'string' ? status.reason : '',
    retryAfter: retryAfter > 0 ? retryAfter : seconds * 1000,
  })
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
