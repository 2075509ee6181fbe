/** A Service with `resty-ingress.io/expose` -> Fragment: routes without an Ingress. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { isPortName, isPortNumber, OWN_PREFIX, quoted } from '../../ir/names.ts'
import type { Finding, ObjectRef, Origin } from '../../ir/origin.ts'
import type { BackendRef, Fragment, Route } from '../../ir/types.ts'
import { readPolicies, type PolicyReading } from '../../policy/annotations.ts'
import { canaryPolicy } from '../../policy/canary.ts'
import { referenced } from '../../policy/references.ts'
import { rewritesPath } from '../../policy/rewrite.ts'
import { serviceUpstream } from '../../policy/service-upstream.ts'
import { fields, items } from '../../util/field.ts'
import { allowsCrossNamespace, type Context } from '../context.ts'
import { isExposedByUs } from '../class.ts'
import { readTls } from '../tls.ts'
import { routePolicies } from '../policies.ts'
import { fitting } from '../size.ts'
import { readExposeList, type Exposed } from './expose-list.ts'
import { HEALTH_CHECK } from './health-check.ts'
import { findServicePort } from './port.ts'

/** For docs/annotations.md: name without prefix, what it says, what is allowed. */
export const EXPOSE_ANNOTATIONS = [
  ['expose', 'Requests for these hosts and paths come here, without an Ingress', 'hosts, each with a path or none, separated by commas'],
  ['port', 'To which port of the Service; needed when it has several', 'a number or a name of its ports'],
  ['tls-secret', 'The certificate of these hosts', 'the name of a Secret in its namespace'],
  ['ingress-class', 'Whose it is; without it see services.md', 'the name of an IngressClass'],
] as const

const EXPOSE = `${OWN_PREFIX}/expose`
const PORT = `${OWN_PREFIX}/port`
const TLS_SECRET = `${OWN_PREFIX}/tls-secret`

/** Names under our prefix that say something of the Service itself, whoever routes to it. */
const OF_THE_SERVICE: ReadonlySet<string> = new Set([
  ...EXPOSE_ANNOTATIONS.map(([name]) => name),
  ...['conf', 'allow-from', serviceUpstream.fields.use.annotation],
  ...Object.values(HEALTH_CHECK).map(({ annotation }) => annotation),
])

type Annotations = Readonly<Record<string, string>>

/** What the translation of one Service passes along. */
interface Work {
  readonly service: KubeObject
  readonly annotations: Annotations
  readonly object: ObjectRef
  readonly read: Reader
  readonly context: Context
  readonly findings: Finding[]
}

/** Undefined: nothing is exposed, or by somebody else. The Service's other annotations of ours are its policies. */
export function translateExposed(service: KubeObject, read: Reader, context: Context): Fragment | undefined {
  const { namespace, name, uid, creationTimestamp, annotations = {} } = service.metadata
  const list = annotations[EXPOSE]?.trim() ?? ''
  if (list === '' || !isExposedByUs(service, read, context)) return undefined
  const object = { kind: 'Service', apiVersion: 'v1', namespace, name, ...(uid === undefined ? {} : { uid }) }
  const work: Work = { service, annotations, object, read, context, findings: [] }
  const reading = readPolicies(policyAnnotations(annotations), OWN_PREFIX, object, allowsCrossNamespace(read, context))
  work.findings.push(...reading.findings)
  const routes = routesOf(list, reading, work)
  const common = { age: { created: creationTimestamp ?? '', name: `${namespace}/${name}` }, origin: { ...object, field: '' } }
  if (canaryPolicy(reading.policies).enabled === true) {
    return { ...common, routes: [], arms: routes, hosts: [], tls: [], secrets: [], findings: work.findings }
  }
  const hosts = [...new Set(routes.map(({ host }) => host))]
  const { tls, secrets } = tlsOf(hosts, work)
  const named = referenced(secrets, [reading.policies])
  return { ...common, routes, arms: [], hosts, tls, ...named, findings: work.findings }
}

function policyAnnotations(annotations: Annotations): Annotations {
  const prefix = `${OWN_PREFIX}/`
  return Object.fromEntries(Object.entries(annotations).filter(
    ([name]) => name.startsWith(prefix) && !OF_THE_SERVICE.has(name.slice(prefix.length)),
  ))
}

function report({ object, findings }: Work, annotation: string, reason: string, message: string): void {
  const origin = { ...object, field: `metadata.annotations[${annotation}]` }
  findings.push({ origin, severity: 'error', reason, message: `annotation ${annotation}: ${message}` })
}

function routesOf(list: string, reading: PolicyReading, work: Work): Route[] {
  const isPattern = (path: string): boolean =>
    fields(reading.policies.regex).use === true || rewritesPath(reading.policies, path)
  const { entries, problems } = readExposeList(list, isPattern)
  for (const { reason, message } of problems) report(work, EXPOSE, reason, message)
  const ref = backendOf(work)
  const routes = ref === undefined ? [] : entries.map((entry) => routeOf(entry, ref, reading, work))
  return [...fitting(routes, exposeOrigin(work), work.findings)]
}

function exposeOrigin({ object }: Work): Origin {
  return { ...object, field: `metadata.annotations[${EXPOSE}]` }
}

function routeOf(entry: Exposed, ref: BackendRef, reading: PolicyReading, work: Work): Route {
  return {
    ...entry,
    backends: [{ ...ref, weight: 1 }],
    ...routePolicies(reading, ref, work.read, work.context),
    origin: exposeOrigin(work),
  }
}

/** The port that the annotation names, or the only one. */
function backendOf(work: Work): BackendRef | undefined {
  const { service, annotations, object: { namespace, name } } = work
  const written = annotations[PORT]?.trim() ?? ''
  if (written !== '') {
    const isThere = isPort(written) && findServicePort(service, written) !== undefined
    if (isThere) return { namespace, service: name, port: written }
    report(work, PORT, 'ServicePortNotFound', `the Service has no TCP port ${quoted(written)}; nothing is exposed`)
    return undefined
  }
  const ports = items(fields(service.spec).ports).map(fields).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
  const [only, ...others] = ports
  if (isPortNumber(only?.port) && others.length === 0) return { namespace, service: name, port: String(only.port) }
  const what = others.length === 0 ? 'no TCP port' : 'several ports'
  const message = `the Service has ${what}: ${PORT} must say which one; nothing is exposed`
  report(work, EXPOSE, 'ServicePortNotFound', message)
  return undefined
}

/** As a reference may spell it: it becomes part of a key. */
function isPort(text: string): boolean {
  return isPortName(text) || (isPortNumber(Number(text)) && text === String(Number(text)))
}

/** One entry of an Ingress's `spec.tls`, written otherwise. */
function tlsOf(hosts: readonly string[], { annotations, object, read, context, findings }: Work): Pick<Fragment, 'tls' | 'secrets'> {
  const secretName = annotations[TLS_SECRET]?.trim() ?? ''
  if (secretName === '' || hosts.length === 0) return { tls: [], secrets: [] }
  const origin = { ...object, field: `metadata.annotations[${TLS_SECRET}]` }
  const { claims, secrets, findings: problems } = readTls([{ hosts, secretName }], [], { origin, read, context })
  findings.push(...problems.map((it) => ({ ...it, origin })))
  return { tls: claims.map((claim) => ({ ...claim, origin })), secrets }
}
