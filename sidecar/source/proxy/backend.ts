/** Backends of a Proxy: Service ports of its own namespace, and of others where these consent. */
import type { BackendRef } from '../../ir/types.ts'
import { fields, text } from '../../util/field.ts'
import { backendProblem } from '../service/reference.ts'
import type { Work } from './work.ts'

/** On a Service: the namespaces whose Proxies may send requests to it, separated by commas; "*" is all. */
const ALLOW_FROM = 'resty-ingress.io/allow-from'
/** For docs/annotations.md: name without prefix, what it says, what is allowed. */
export const CONSENT_ANNOTATION = [
  'allow-from', 'Proxy objects of these namespaces may send requests here', 'names of namespaces, separated by commas, or `*`',
] as const
const MAX_CONSENT = 4096

/** What happens to requests or connections that have nowhere to go. */
export interface Effects {
  readonly protocol?: 'UDP'
  readonly missing: string
  readonly refused: string
}

export type Reference = { readonly ref: BackendRef } | { readonly refused: string }

/** `entry` holds to the schema. A Service that is not there is a finding, one that does not consent is refused. */
export function readBackend(entry: unknown, field: string, effects: Effects, work: Work): Reference {
  const { service, port, namespace } = fields(entry)
  const own = work.origin.namespace
  const { protocol, missing } = effects
  const name = { namespace: text(namespace) || own, service: text(service), port: String(port) }
  const ref: BackendRef = protocol === undefined ? name : { ...name, protocol }
  if (ref.namespace !== own && !consents(ref, work)) {
    const refused = `Service ${ref.service} of namespace ${ref.namespace} has no annotation ${ALLOW_FROM} that names namespace ${own}`
    work.unresolved(field, 'RefNotPermitted', `${refused}; ${effects.refused}`)
    return { refused }
  }
  const problem = backendProblem(ref, work.read, work.context)
  if (problem !== undefined) work.unresolved(field, problem.reason, `${problem.message}; ${missing}`)
  return { ref }
}

/** A Service that is not there consents to nothing, so that nobody learns which names another namespace has. */
function consents({ namespace, service }: BackendRef, { origin, read, context }: Work): boolean {
  const annotations = read.get(context.services, `${namespace}/${service}`)?.metadata.annotations
  const consent = (annotations?.[ALLOW_FROM] ?? '').slice(0, MAX_CONSENT)
  return consent.split(',').map((it) => it.trim()).some((it) => it === '*' || it === origin.namespace)
}
