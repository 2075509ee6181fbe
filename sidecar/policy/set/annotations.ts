/** Annotations of one object -> PolicySet, findings, and the reason to close its routes, if any. */
import { KNOWN_ANNOTATIONS } from '../../compat/annotations.ts'
import { aboutKnown, holdsAnyway } from '../../compat/known.ts'
import { nearestName } from '../../compat/nearest.ts'
import { OWN_PREFIX, quoted } from '../../ir/names.ts'
import type { Finding, ObjectRef, Origin, Severity } from '../../ir/origin.ts'
import type { Json, PolicySet, PolicySources } from '../../ir/types.ts'
import type { Parsed } from '../../ir/value.ts'
import type { Combined, Field, Policy } from '../common/policy.ts'
import { isProtection } from './protection.ts'
import { inNamespace } from '../common/reference.ts'
import { POLICIES } from '../registry.ts'

/** Names under our prefixes that mean something elsewhere than in a policy. */
const NOT_POLICIES: ReadonlySet<string> = new Set(['ingress.class'])

export interface PolicyReading {
  readonly policies: PolicySet
  readonly sources: PolicySources
  readonly closed?: string
  readonly findings: readonly Finding[]
}

/** Of an object that says nothing, as most do: one for all, since there are very many. */
const NOTHING: PolicyReading = { policies: {}, sources: {}, findings: [] }

/**
 * Reads every annotation under our own prefix and `prefix`; where both spell one name, ours wins.
 * An empty value means "not set", as in ingress-nginx. A bad value is a finding and counts as absent.
 * Objects of other namespaces may be named with `crossNamespace` only.
 */
export function readPolicies(
  annotations: Readonly<Record<string, string>>,
  prefix: string,
  object: ObjectRef,
  crossNamespace: boolean,
): PolicyReading {
  const values = new Map([...underPrefix(annotations, prefix), ...underPrefix(annotations, OWN_PREFIX)])
  if (values.size === 0) return NOTHING
  const work = new Reading(object, values, crossNamespace)
  const policies: Record<string, Json> = {}
  // Most objects have few annotations: only the policies that these belong to are looked at.
  const named = new Set([...values.keys()].map((name) => OWNERS.get(name)))
  for (const policy of POLICIES) {
    const value = named.has(policy) ? work.read(policy) : undefined
    if (value !== undefined) policies[policy.name] = value
  }
  work.reportUnknown()
  return { policies, ...work.result() }
}

interface Annotation {
  readonly fullName: string
  readonly text: string
}

function underPrefix(annotations: Readonly<Record<string, string>>, prefix: string): [string, Annotation][] {
  return Object.entries(annotations)
    .filter(([name, text]) => name.startsWith(`${prefix}/`) && typeof text === 'string' && text !== '')
    // The name gets into records as a reason, and JSON for Lua must be Unicode.
    .map(([name, text]) => [name.slice(prefix.length + 1), { fullName: name.toWellFormed(), text: text.trim() }])
}

/** By name of the annotation, without prefix. */
const OWNERS: ReadonlyMap<string, Policy> = new Map(
  POLICIES.flatMap((policy) => Object.values(policy.fields).map((field: Field) => [field.annotation, policy] as const)),
)

/** What somebody may have meant. */
const NAMES: readonly string[] = [...OWNERS.keys(), ...KNOWN_ANNOTATIONS.keys()]

/** Unknown names of one object for which that is looked for: it costs more than all the rest. */
const MOST_SEARCHES = 20

class Reading {
  readonly #object: ObjectRef
  readonly #values: ReadonlyMap<string, Annotation>
  readonly #crossNamespace: boolean
  readonly #findings: Finding[] = []
  readonly #sources: Record<string, Record<string, Origin>> = {}
  #closed: string | undefined
  #searches = 0

  constructor(object: ObjectRef, values: ReadonlyMap<string, Annotation>, crossNamespace: boolean) {
    this.#object = object
    this.#values = values
    this.#crossNamespace = crossNamespace
  }

  read(policy: Policy): Json | undefined {
    const read: Record<string, Json> = {}
    const refused = new Set<string>()
    for (const [name, field] of Object.entries(policy.fields)) {
      const annotation = this.#values.get(field.annotation)
      if (annotation === undefined) continue
      const parsed = this.#parse(field, annotation.text)
      if ('allowed' in parsed) {
        refused.add(name)
        this.#refuse(annotation, parsed.allowed, policy.protects === true && field.harmless !== true)
        continue
      }
      read[name] = parsed.value
      ;(this.#sources[policy.name] ??= {})[name] = this.#originOf(annotation)
      if (parsed.warning !== undefined) this.#adjust(annotation, parsed.warning)
    }
    if (Object.keys(read).length + refused.size === 0) return undefined
    return this.#combine(policy, policy.combine?.(read, refused) ?? { value: read, problems: [] })
  }

  #parse(field: Field, text: string): Parsed<Json> {
    const parsed = field.parse(text)
    if (field.names === undefined || !('value' in parsed)) return parsed
    const name = String(parsed.value)
    const own = inNamespace(name, this.#object.namespace) ?? (this.#crossNamespace ? name : undefined)
    return own === undefined ? { allowed: `a ${field.names} of namespace ${this.#object.namespace}, as long as the key allow-cross-namespace-resources is not "true"` } : { value: own }
  }

  #combine(policy: Policy, { value, problems }: Combined): Json | undefined {
    for (const { field, message, closes } of problems) {
      const annotation = this.#values.get(policy.fields[field]?.annotation ?? '')
      if (annotation === undefined) continue
      if (closes === true) this.#reportClosing(annotation, message)
      else this.#adjust(annotation, message)
    }
    return Object.keys(value).length === 0 ? undefined : value
  }

  /** Names that no policy owns: without effect, or closing when they protect. */
  reportUnknown(): void {
    for (const [name, annotation] of this.#values) {
      if (OWNERS.has(name) || NOT_POLICIES.has(name)) continue
      const known = KNOWN_ANNOTATIONS.get(name)
      if (holdsAnyway(known, annotation.text)) continue
      const protects = isProtection(name)
      const effect = protects ? this.#close(annotation) : 'it has no effect'
      const about = known === undefined ? this.#aboutUnknown(name, effect) : aboutKnown(known, effect)
      const reason = known === undefined ? 'UnknownAnnotation' : 'UnsupportedAnnotation'
      this.#report(annotation, protects ? 'error' : 'warning', reason, `annotation ${annotation.fullName} is ${about}`)
    }
  }

  #aboutUnknown(name: string, effect: string): string {
    const meant = this.#searches++ < MOST_SEARCHES ? nearestName(name, NAMES) : undefined
    return `unknown; ${effect}${meant === undefined ? '' : `; did you mean ${meant}?`}`
  }

  result(): Omit<PolicyReading, 'policies'> {
    const closed = this.#closed === undefined ? {} : { closed: this.#closed }
    return { sources: this.#sources, findings: this.#findings, ...closed }
  }

  #refuse(annotation: Annotation, allowed: string, protects: boolean): void {
    const effect = protects ? this.#close(annotation) : 'it counts as not set'
    const message = `annotation ${annotation.fullName}: ${quoted(annotation.text)} is refused; allowed: ${allowed}; ${effect}`
    this.#report(annotation, 'error', 'InvalidAnnotation', message)
  }

  #reportClosing(annotation: Annotation, problem: string): void {
    const message = `annotation ${annotation.fullName}: ${problem}; ${this.#close(annotation)}`
    this.#report(annotation, 'error', 'InvalidAnnotation', message)
  }

  #adjust(annotation: Annotation, problem: string): void {
    const message = `annotation ${annotation.fullName}: ${problem}`
    this.#report(annotation, 'warning', 'AdjustedAnnotation', message)
  }

  /** Without this annotation the routes would be open: says what happens to them instead. */
  #close({ fullName }: Annotation): string {
    this.#closed ??= `annotation ${fullName} protects this route and cannot be honoured`
    return 'it protects, so the paths of this object answer 503'
  }

  #report(annotation: Annotation, severity: Severity, reason: string, message: string): void {
    this.#findings.push({ origin: this.#originOf(annotation), severity, reason, message })
  }

  #originOf({ fullName }: Annotation): Origin {
    return { ...this.#object, field: `metadata.annotations[${fullName}]` }
  }
}
