/** A Service with `resty-ingress.io/expose` -> Fragment: routes without an Ingress. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { isPortName, isPortNumber, quoted } from '../../ir/names.ts'
import type { Finding, ObjectRef, Origin } from '../../ir/origin.ts'
import type { BackendRef, Fragment, Route } from '../../ir/types.ts'
import { readPolicies, type PolicyReading } from '../../policy/set/annotations.ts'
import { canaryPolicy } from '../../policy/canary.ts'
import { referenced } from '../../policy/set/references.ts'
import { rewritesPath } from '../../policy/rewrite.ts'
import { fields, items, text } from '../../util/field.ts'
import { allowsCrossNamespace, type Context } from '../context.ts'
import { isExposedByUs } from '../class.ts'
import { readTls } from '../tls.ts'
import { routePolicies } from '../policies.ts'
import { fitting } from '../size.ts'
import { EXPOSE, PORT, policyAnnotations, strayAnnotations, strayFinding, TLS_SECRET, type Annotations } from './annotations.ts'
import { readExposeList, type Exposed } from './expose-list.ts'
import { findServicePort } from './port.ts'

/** What the translation of one Service passes along. */
interface Work {
  readonly service: KubeObject
  readonly annotations: Annotations
  readonly object: ObjectRef
  readonly read: Reader
  readonly context: Context
  readonly findings: Finding[]
}

/** Undefined: it says nothing of that, or is somebody else's. Its annotations for Ingresses are its policies. */
export function translateExposed(service: KubeObject, read: Reader, context: Context): Fragment | undefined {
  const { namespace, name, uid, creationTimestamp, annotations = {} } = service.metadata
  const list = text(annotations[EXPOSE]).trim()
  const strays = list === '' ? strayAnnotations(annotations) : []
  if ((list === '' && strays.length === 0) || !isExposedByUs(service, read, context)) return undefined
  const object = { kind: 'Service', apiVersion: 'v1', namespace, name, ...(uid === undefined ? {} : { uid }) }
  const findings = strays.map((it) => strayFinding(it, object))
  const claims = list === '' ? NOTHING : claimsOf(list, { service, annotations, object, read, context, findings })
  const age = { created: creationTimestamp ?? '', name: `${namespace}/${name}` }
  return { age, origin: { ...object, field: '' }, ...claims, findings }
}

type Claims = Omit<Fragment, 'age' | 'origin' | 'findings'>

const NOTHING: Claims = { routes: [], arms: [], hosts: [], tls: [], secrets: [] }

function claimsOf(list: string, work: Work): Claims {
  const { annotations, object, read, context } = work
  const prefix = context.options.annotationsPrefix
  const ofRoutes = policyAnnotations(annotations, prefix)
  const reading = readPolicies(ofRoutes, prefix, object, allowsCrossNamespace(read, context))
  work.findings.push(...reading.findings)
  const routes = routesOf(list, reading, work)
  if (canaryPolicy(reading.policies).enabled === true) return { ...NOTHING, arms: routes }
  const hosts = [...new Set(routes.map(({ host }) => host))]
  const { tls, secrets } = tlsOf(hosts, work)
  return { routes, arms: [], hosts, tls, ...referenced(secrets, [reading.policies]) }
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
function isPort(port: string): boolean {
  return isPortName(port) || (isPortNumber(Number(port)) && port === String(Number(port)))
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
