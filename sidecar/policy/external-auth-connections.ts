/** How connections to a service of external authentication are kept, where a route says so. */
import { ROUTE_HOST, type DestinationUrl } from '../ir/destination-url.ts'
import type { PolicySet } from '../ir/types.ts'
import { canonicalJson, hashName } from '../util/canonical.ts'
import { fields } from '../util/field.ts'
import type { PolicyValue, Problem } from './common/policy.ts'

/** A pool that only questions with the same values share and, over TLS, the same name of the service. */
export interface AuthConnections {
  /** Of an `upstream`. */
  readonly name: string
  /** Idle ones of each worker; 0: none is kept. */
  readonly keep: number
  readonly requests: number
  /** Seconds. */
  readonly timeout: number
}

/** As in ingress-nginx. */
const DEFAULTS = { requests: 1000, timeout: 60 }

/** Undefined: as all others are; over plain HTTP like those to backends, over TLS none is kept. */
export function authConnections(value: PolicyValue): AuthConnections | undefined {
  const { keepalive, keepalive_requests: requests, keepalive_timeout: timeout } = value
  if (keepalive === undefined || value.url === undefined || lacksName(value)) return undefined
  const { tls, host } = value.url as DestinationUrl
  const pool = { keep: Number(keepalive), requests: orDefault(requests, 'requests'), timeout: orDefault(timeout, 'timeout') }
  const name = hashName(canonicalJson([pool, tls ? host : '']))
  return { name: `auth_${name}`, ...pool }
}

/** Those of a route. */
export function routeAuthConnections({ external_auth: value }: PolicySet): AuthConnections | undefined {
  return authConnections(fields(value) as PolicyValue)
}

/** 0 counts as not set. */
function orDefault(value: unknown, name: keyof typeof DEFAULTS): number {
  return Number(value ?? 0) || DEFAULTS[name]
}

/** A connection over TLS is for one name, and this one is another for each host. */
function lacksName({ url }: PolicyValue): boolean {
  const { tls, host } = url as DestinationUrl
  return tls && host === ROUTE_HOST
}

/** What is said and cannot hold. */
export function connectionProblems(value: PolicyValue): readonly Problem[] {
  const { keepalive, keepalive_share_vars: shares } = value
  const idle = keepalive === undefined ? ['keepalive_requests', 'keepalive_timeout'].filter((field) => field in value) : []
  return [
    ...idle.map((field) => ({ field, message: 'it has no effect without auth-keepalive' })),
    ...(keepalive !== undefined && lacksName(value)
      ? [{ field: 'keepalive', message: 'no effect with https and $host: a connection over TLS is kept for one name' }]
      : []),
    ...(shares === false
      ? [{ field: 'keepalive_share_vars', message: 'a question shares the variables of its request: in NGINX those of auth_request always do' }]
      : []),
  ]
}
