/** Backends of a Proxy: Service ports of its own namespace, and of others where these consent. */
import type { BackendRef } from '../../ir/types.ts'
import { fields, text } from '../../util/field.ts'
import { readReference } from '../ingress/backend.ts'
import type { Work } from './work.ts'

/** On a Service: the namespaces whose Proxies may send requests to it, separated by commas; "*" is all. */
export const ALLOW_FROM = 'resty-ingress.io/allow-from'
const MAX_CONSENT = 4096

export type Reference = { readonly ref: BackendRef } | { readonly refused: string }

/** `entry` holds to the schema. A Service that is not there is a finding, one that does not consent is refused. */
export function readBackend(entry: unknown, field: string, work: Work): Reference {
  const { service, port, namespace } = fields(entry)
  const own = work.origin.namespace
  const ref = { namespace: text(namespace) || own, service: text(service), port: String(port) }
  if (ref.namespace !== own && !consents(ref, work)) {
    const refused = `Service ${ref.service} of namespace ${ref.namespace} has no annotation ${ALLOW_FROM} that names namespace ${own}`
    work.unresolved(field, 'RefNotPermitted', `${refused}; the rule answers 503`)
    return { refused }
  }
  const { problem } = readReference(ref, 'its share of requests answers 503', work.read, work.context)
  if (problem !== undefined) work.unresolved(field, problem.reason, problem.message)
  return { ref }
}

/** A Service that is not there consents to nothing, so that nobody learns which names another namespace has. */
function consents({ namespace, service }: BackendRef, { origin, read, context }: Work): boolean {
  const annotations = read.get(context.services, `${namespace}/${service}`)?.metadata.annotations
  const consent = (annotations?.[ALLOW_FROM] ?? '').slice(0, MAX_CONSENT)
  return consent.split(',').map((it) => it.trim()).some((it) => it === '*' || it === origin.namespace)
}
