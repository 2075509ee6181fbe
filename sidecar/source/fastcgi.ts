/** Routes to FastCGI programs, with the parameters of their ConfigMaps; and what has no meaning for a protocol. */
import type { Reader } from '../collection/graph.ts'
import { isListed } from '../collection/object-store.ts'
import type { Finding } from '../ir/origin.ts'
import type { Fragment, Json, PolicySet, Route } from '../ir/types.ts'
import { backendProtocol, type BackendProtocol } from '../policy/backend-protocol.ts'
import { fastcgiIndex } from '../policy/fastcgi-index.ts'
import { fastcgiParams, readParameters } from '../policy/fastcgi-params.ts'
import { fields, texts } from '../util/field.ts'
import type { Context } from './context.ts'

const FASTCGI: readonly string[] = [fastcgiIndex.name, fastcgiParams.name]
/** gRPC has no buffers but one, and the other protocols no version of HTTP. */
const WITHOUT_EFFECT: Readonly<Record<BackendProtocol | 'HTTP', Readonly<Record<string, readonly string[]>>>> = {
  HTTP: {},
  HTTPS: {},
  AUTO_HTTP: {},
  GRPC: { buffering: ['responses', 'requests', 'number', 'busy', 'file'], backend_connection: ['version', 'header'] },
  GRPCS: { buffering: ['responses', 'requests', 'number', 'busy', 'file'], backend_connection: ['version', 'header'] },
  FCGI: { backend_connection: ['version', 'header'] },
}

/** The same fragment. A route whose parameters are not known is closed: a program may decide by them whom it serves. */
export function withFastcgi(fragment: Fragment, read: Reader, context: Context): Fragment {
  if (!fragment.routes.some(({ policies }) => isConcerned(policies))) return fragment
  const findings = new Map<string, Finding>()
  const routes = fragment.routes.map((route) => {
    const [changed, more] = isConcerned(route.policies) ? completed(route, read, context) : [route, []]
    for (const finding of [...more, ...meaningless(route)]) findings.set(JSON.stringify(finding), finding)
    return changed
  })
  return { ...fragment, routes, findings: [...fragment.findings, ...findings.values()] }
}

function isConcerned(policies: PolicySet): boolean {
  return backendProtocol(policies) !== undefined || FASTCGI.some((name) => name in policies)
}

function completed(route: Route, read: Reader, context: Context): [Route, readonly Finding[]] {
  const { policies } = route
  if (backendProtocol(policies) !== 'FCGI') return withoutFastcgi(route)
  const { config_map: name } = fields(policies[fastcgiParams.name])
  if (typeof name !== 'string') return [route, []]
  const parameters = parametersOf(name, read, context)
  if (typeof parameters !== 'string') {
    return [{ ...route, policies: { ...policies, [fastcgiParams.name]: { config_map: name, parameters } } }, []]
  }
  const closed = { ...route, closed: route.closed ?? parameters }
  if (parameters === UNKNOWN) return [closed, []]
  const { origin } = findingOf(route, fastcgiParams.name, 'config_map', parameters)
  const message = `${parameters}; the paths that need it answer 503`
  return [closed, [{ origin, severity: 'error', reason: 'InvalidConfigMap', message }]]
}

/** Directives without effect would make a location class, and a reload, for nothing. */
function withoutFastcgi(route: Route): [Route, readonly Finding[]] {
  const said = FASTCGI.filter((name) => name in route.policies)
  if (said.length === 0) return [route, []]
  const policies = Object.fromEntries(Object.entries(route.policies).filter(([name]) => !FASTCGI.includes(name)))
  return [{ ...route, policies }, said.map((name) => findingOf(route, name, '', `${NO_EFFECT}: it is for FCGI`))]
}

const NO_EFFECT = 'it has no effect with the protocol of the backends (backend-protocol)'
/** It will be looked up in a moment: nothing to tell anybody. */
const UNKNOWN = 'the ConfigMap with parameters for FastCGI is not known yet'

function parametersOf(key: string, read: Reader, context: Context): Json | string {
  const object = read.get(context.configMaps, key)
  const about = `ConfigMap ${key} with parameters for FastCGI`
  if (object === undefined) {
    return isListed(read, context.listed, 'ConfigMap', key) ? `${about} does not exist` : UNKNOWN
  }
  const parameters = readParameters(texts(object.data))
  return typeof parameters === 'string' ? `${about}: ${parameters}` : parameters
}

function meaningless(route: Route): Finding[] {
  const { sources, policies } = route
  const table = WITHOUT_EFFECT[backendProtocol(policies) ?? 'HTTP']
  return Object.entries(table).flatMap(([policy, members]) => {
    const said = members.filter((member) => member in (sources[policy] ?? {}))
    return said.map((member) => findingOf(route, policy, member, NO_EFFECT))
  })
}

function findingOf({ sources, origin }: Route, policy: string, member: string, message: string): Finding {
  const said = sources[policy] ?? {}
  const where = said[member] ?? Object.values(said)[0] ?? origin
  return { origin: where, severity: 'warning', reason: 'AdjustedAnnotation', message }
}
