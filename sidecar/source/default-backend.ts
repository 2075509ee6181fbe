/** Backends that answer in place of others: those of routes, and the one of the controller. */
import type { Collection, Graph, Part, Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import { objectKey, objectName } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { BackendRef, Fragment } from '../ir/types.ts'
import type { Said } from '../policy/set/merge.ts'
import { defaultBackend } from '../policy/default-backend.ts'
import { fields, items, text } from '../util/field.ts'
import type { Context } from './context.ts'
import { backendProblem } from './service/reference.ts'

export interface DefaultBackendReading {
  readonly origin: Origin
  readonly ref?: BackendRef
  readonly findings: readonly Finding[]
}

/** Of the routes for which this is said, if it is. A Service or port that is not there is as good as none. */
export function readDefaultBackend(said: Said, read: Reader, context: Context): DefaultBackendReading | undefined {
  const { service, port } = fields(said.policies[defaultBackend.name])
  const origin = said.sources[defaultBackend.name]?.service
  if (service === undefined || origin === undefined) return undefined
  return referenceTo({ namespace: origin.namespace, service: text(service) }, text(port), origin, { read, context })
}

/**
 * Of the controller, for requests without a route: the Service that `--default-backend-service` names, under that
 * name (`namespace/name`); '' = none.
 */
export function globalDefaultBackend(graph: Graph, flag: string, context: Context): Collection<DefaultBackendReading> {
  const { namespace, name } = objectName(flag)
  const origin = { kind: 'Service', apiVersion: 'v1', namespace, name, field: '' }
  const only = graph.source<true>()
  if (flag !== '') only.set(flag, true)
  return graph.map(only, (_, read) => referenceTo({ namespace, service: name }, '', origin, { read, context }))
}

/** Its fragment: it claims nothing, but its endpoints are to be known. */
export function defaultBackendPart(
  graph: Graph,
  readings: Collection<DefaultBackendReading>,
  { services }: Context,
): Part<KubeObject, Fragment> {
  return {
    prefix: 'DefaultBackend',
    input: graph.map(readings, ({ origin }, read) => read.get(services, objectKey(origin))),
    compute: (service, read) => fragmentOf(read.get(readings, objectKey(service.metadata))),
  }
}

function fragmentOf(reading: DefaultBackendReading | undefined): Fragment | undefined {
  if (reading?.ref === undefined) return undefined
  const { origin, ref } = reading
  const age = { created: '', name: `${origin.namespace}/${origin.name}` }
  return { age, origin, hosts: [], routes: [], arms: [], tls: [], secrets: [], defaultBackend: ref, findings: [] }
}

function referenceTo(
  name: Omit<BackendRef, 'port'>,
  port: string,
  origin: Origin,
  { read, context }: { readonly read: Reader; readonly context: Context },
): DefaultBackendReading {
  const service = read.get(context.services, `${name.namespace}/${name.service}`)
  const ref = { ...name, port: port === '' ? firstPort(service) : port }
  const problem = backendProblem(ref, read, context)
  if (problem === undefined) return { origin, ref, findings: [] }
  const message = `${problem.message}; there is no default backend until it comes`
  return { origin, findings: [{ origin, severity: 'error', reason: problem.reason, message }] }
}

/** As text; '' when there is none. */
function firstPort(service: KubeObject | undefined): string {
  const [first] = items(fields(service?.spec).ports)
  const { port } = fields(first)
  return port === undefined ? '' : String(port)
}
