/** The names under our prefix that a Service may have, and what is policy among its annotations. */
import { nearestName } from '../../compat/nearest.ts'
import { OWN_PREFIX } from '../../ir/names.ts'
import type { Finding, ObjectRef } from '../../ir/origin.ts'
import { serviceUpstream } from '../../policy/service-upstream.ts'
import { HEALTH_CHECK } from './health-check.ts'

/** For docs/annotations.md: name without prefix, what it says, what is allowed. */
export const EXPOSE_ANNOTATIONS = [
  ['expose', 'Requests for these hosts and paths come here, without an Ingress', 'hosts, each with a path or none, separated by commas'],
  ['port', 'To which port of the Service; needed when it has several', 'a number or a name of its ports'],
  ['tls-secret', 'The certificate of these hosts', 'the name of a Secret in its namespace'],
  ['ingress-class', 'Whose it is; without it see services.md', 'the name of an IngressClass'],
] as const

export const EXPOSE = `${OWN_PREFIX}/expose`
export const PORT = `${OWN_PREFIX}/port`
export const TLS_SECRET = `${OWN_PREFIX}/tls-secret`

export type Annotations = Readonly<Record<string, string>>

const UPSTREAM = serviceUpstream.fields.use.annotation
/** What says something of the Service itself, whoever routes to it. */
const OF_THE_SERVICE = ['conf', 'allow-from', UPSTREAM, ...Object.values(HEALTH_CHECK).map(({ annotation }) => annotation)]
const NAMES: readonly string[] = [...EXPOSE_ANNOTATIONS.map(([name]) => name), ...OF_THE_SERVICE]
const NOT_POLICIES: readonly string[] = NAMES.map(ours)
const HOLD_ANYWAY: ReadonlySet<string> = new Set(OF_THE_SERVICE.map(ours))
/** Of one Service: looking for what was meant costs more than all the rest. */
const MAX_STRAYS = 20

function ours(name: string): string {
  return `${OWN_PREFIX}/${name}`
}

/** Of a Service that is exposed: all that may be policies, as those of an Ingress. */
export function policyAnnotations(annotations: Annotations, prefix: string): Annotations {
  const others = new Set([...NOT_POLICIES, `${prefix}/${UPSTREAM}`])
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !others.has(name)))
}

/** Of a Service that is not: what says nothing then. A name that is misspelled must not be silent. */
export function strayAnnotations(annotations: Annotations): readonly string[] {
  const isStray = (name: string): boolean => name.startsWith(`${OWN_PREFIX}/`) && !HOLD_ANYWAY.has(name) && annotations[name]?.trim() !== ''
  return Object.keys(annotations).filter(isStray).slice(0, MAX_STRAYS)
}

/** The finding about one of these. */
export function strayFinding(annotation: string, object: ObjectRef): Finding {
  const name = annotation.slice(OWN_PREFIX.length + 1)
  const meant = NAMES.includes(name) ? undefined : nearestName(name, NAMES)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  const message = `annotation ${annotation} has no effect on a Service without ${EXPOSE}${hint}`
  return { origin: { ...object, field: `metadata.annotations[${annotation}]` }, severity: 'warning', reason: 'IgnoredAnnotation', message }
}
