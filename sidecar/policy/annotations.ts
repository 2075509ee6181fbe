/** Annotations of one object -> PolicySet, findings, and the reason to close its routes, if any. */
import { quoted } from '../ir/names.ts'
import type { Finding, ObjectRef } from '../ir/origin.ts'
import type { Json, PolicySet } from '../ir/types.ts'
import type { Field, Policy } from './policy.ts'
import { isProtection } from './protection.ts'
import { POLICIES } from './registry.ts'

export const OWN_PREFIX = 'resty-ingress.io'

/** Names under our prefixes that mean something elsewhere than in a policy. */
const NOT_POLICIES: ReadonlySet<string> = new Set(['ingress.class'])

export interface PolicyReading {
  readonly policies: PolicySet
  readonly closed?: string
  readonly findings: readonly Finding[]
}

/**
 * Reads every annotation under our own prefix and `prefix`; where both spell one name, ours wins.
 * An empty value means "not set", as in ingress-nginx. A bad value is a finding and counts as absent.
 */
export function readPolicies(
  annotations: Readonly<Record<string, string>>,
  prefix: string,
  object: ObjectRef,
): PolicyReading {
  const values = new Map([...underPrefix(annotations, prefix), ...underPrefix(annotations, OWN_PREFIX)])
  const findings: Finding[] = []
  const policies: Record<string, Json> = {}
  for (const policy of POLICIES) {
    const value = readOne(policy, values, object, findings)
    if (value !== undefined) policies[policy.name] = value
  }
  const closed = reportUnknown(values, object, findings)
  return { policies, findings, ...(closed === undefined ? {} : { closed }) }
}

interface Annotation {
  readonly fullName: string
  readonly text: string
}

function underPrefix(annotations: Readonly<Record<string, string>>, prefix: string): [string, Annotation][] {
  return Object.entries(annotations)
    .filter(([name, text]) => name.startsWith(`${prefix}/`) && typeof text === 'string' && text !== '')
    .map(([name, text]) => [name.slice(prefix.length + 1), { fullName: name, text: text.trim() }])
}

function readOne(
  policy: Policy,
  values: ReadonlyMap<string, Annotation>,
  object: ObjectRef,
  findings: Finding[],
): Json | undefined {
  const read: [string, Json][] = []
  for (const [name, field] of Object.entries(policy.fields)) {
    const annotation = values.get(field.annotation)
    if (annotation === undefined) continue
    const parsed = field.parse(annotation.text)
    if ('value' in parsed) read.push([name, parsed.value])
    else findings.push(badValue(object, annotation, parsed.allowed))
  }
  return read.length === 0 ? undefined : Object.fromEntries(read)
}

function badValue(object: ObjectRef, annotation: Annotation, allowed: string): Finding {
  return {
    origin: { ...object, field: `metadata.annotations[${annotation.fullName}]` },
    severity: 'error',
    reason: 'InvalidAnnotation',
    message: `annotation ${annotation.fullName}: ${quoted(annotation.text)} is refused; allowed: ${allowed}`,
  }
}

const KNOWN: ReadonlySet<string> = new Set(
  POLICIES.flatMap((policy) => Object.values(policy.fields).map((field: Field) => field.annotation)),
)

function reportUnknown(
  values: ReadonlyMap<string, Annotation>,
  object: ObjectRef,
  findings: Finding[],
): string | undefined {
  let closed: string | undefined
  for (const [name, annotation] of values) {
    if (KNOWN.has(name) || NOT_POLICIES.has(name)) continue
    const protects = isProtection(name)
    if (protects) closed ??= `annotation ${annotation.fullName} protects this route and is not supported`
    findings.push(notSupported(object, annotation.fullName, protects))
  }
  return closed
}

function notSupported(object: ObjectRef, fullName: string, protects: boolean): Finding {
  const effect = protects ? 'it protects, so the paths of this object answer 503' : 'it has no effect'
  return {
    origin: { ...object, field: `metadata.annotations[${fullName}]` },
    severity: protects ? 'error' : 'warning',
    reason: 'UnsupportedAnnotation',
    message: `annotation ${fullName} is not supported: ${effect}`,
  }
}
