/** What becomes of a request on its route, by the policies that may answer it before a backend does. */
import type { RouteRecord } from '../dynamic/records.ts'
import type { Json } from '../ir/types.ts'
import { routedPath, type ExplainRequest } from './request.ts'
import type { Records } from './match.ts'

/** It depends on more than is known of the request. */
const MAYBE = 'maybe'
const TO_TLS = 'sent to https by the policy tls_redirect'

interface Asked {
  readonly policies: RouteRecord['policies']
  readonly request: ExplainRequest
  readonly records: Records
}

/** The outcome, when the policy decides for certain; undefined: it lets this request go on. */
type Step = (asked: Asked) => string | undefined

const answers = (name: string): Step => () => `answered by the policy ${name}`

/** In the order in which Lua asks them (`request_order` of lua/ingress/policy/registry.lua). */
const STEPS: Readonly<Record<string, Step>> = {
  client_certificate: byCertificate,
  app_root: ({ request }) => (routedPath(request.path) === '/' ? 'sent to another path by the policy app_root' : undefined),
  cors: ({ request }) => (request.method === 'OPTIONS' ? MAYBE : undefined),
  redirect: answers('redirect'),
  tls_redirect: ({ request }) => (request.scheme === 'http' ? TO_TLS : undefined),
  limits: () => MAYBE,
  access: () => MAYBE,
  basic_auth: (asked) => ('satisfy' in asked.policies ? undefined : missing(asked, 'basic_auth', 'users')) ?? MAYBE,
  external_auth: () => MAYBE,
  direct_response: answers('direct_response'),
}

/** @param otherwise where the request goes when no policy answers it */
export function outcomeOf({ policies, closed }: RouteRecord, asked: Omit<Asked, 'policies'>, otherwise: string): string {
  if (closed !== undefined) return `503: ${closed}`
  const perhaps: string[] = []
  const condition = (): string => (perhaps.length === 0 ? '' : `, unless ${perhaps.join(' or ')} answers first`)
  for (const [name, step] of Object.entries(STEPS)) {
    const outcome = name in policies ? step({ ...asked, policies }) : undefined
    if (outcome === MAYBE) perhaps.push(name)
    else if (outcome !== undefined) return `${outcome}${condition()}`
  }
  return `${otherwise}${condition()}`
}

function byCertificate(asked: Asked): string {
  if (asked.request.scheme === 'https') return missing(asked, 'client_certificate', 'authority') ?? MAYBE
  return 'tls_redirect' in asked.policies ? TO_TLS : '403: without TLS there is no certificate of the client'
}

/** Of a policy that fails closed without the record of a Secret. */
function missing({ policies, records }: Asked, name: string, member: string): string | undefined {
  const key = (policies[name] as Readonly<Record<string, Json>> | undefined)?.[member]
  if (typeof key !== 'string' || records.has(key)) return undefined
  return `503: the policy ${name} needs ${key}, which does not exist or cannot be used`
}
