/** The policies that a rule of a Proxy, or its `spec.policies`, spells as members. */
import { quoted } from '../../ir/names.ts'
import type { Origin } from '../../ir/origin.ts'
import type { Json, PolicySet } from '../../ir/types.ts'
import type { Said } from '../../policy/set/merge.ts'
import type { PolicyValue } from '../../policy/common/policy.ts'
import { completed } from '../../policy/set/references.ts'
import { fields, type Fields } from '../../util/field.ts'
import { check } from './check.ts'
import type { Spelled } from './schema.ts'
import type { Work } from './work.ts'

/** A canary is none without what makes it one. */
const NO_REQUESTS = 'the object takes no requests'
const NO_EFFECT = 'it counts as not set'
const CLOSES = 'it protects, so what it holds for answers 503'
const MAY_CLOSE = 'it may protect, so what it holds for answers 503'

/** Where members stand, which policies they may be, and which others there are. */
export interface Place {
  readonly field: string
  readonly policies: ReadonlyMap<string, Spelled>
  readonly others: readonly string[]
}

/** A member that is neither policy nor one of the others may be the protection of a newer version: it closes. */
export function readMembers(given: Fields, { field, policies: known, others }: Place, work: Work): Said {
  const policies: Record<string, Json> = {}
  const sources: Record<string, Record<string, Origin>> = {}
  const unread: string[] = []
  const members = Object.entries(given).filter(([name, it]) => !others.includes(name) && !isNothing(it))
  for (const [name, member] of members) {
    const at = `${field}.${name}`
    const policy = known.get(name)
    const value = policy === undefined ? unknownMember(name, field, work) : readMember(policy, member, at, work)
    if (policy !== undefined && value !== undefined) {
      policies[policy.name] = value
      sources[policy.name] = sourcesOf(value, fields(member), work.at(at))
    } else if (policy?.protects !== undefined || policy === undefined) unread.push(at)
  }
  return { policies: withoutEmpty(policies), sources, ...closedBy(unread) }
}

/** `timeouts: {}` says nothing. */
function withoutEmpty(policies: Readonly<Record<string, Json>>): PolicySet {
  return Object.fromEntries(Object.entries(policies).filter(([, value]) => Object.keys(fields(value)).length > 0))
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null
}

/** The field gets into records as a reason, and JSON for Lua must be Unicode. */
function closedBy([field]: readonly string[]): Pick<Said, 'closed'> {
  return field === undefined ? {} : { closed: `${field.toWellFormed().slice(0, 200)} cannot be honoured and may protect` }
}

function unknownMember(name: string, field: string, work: Work): undefined {
  work.report(field, 'UnknownField', `${quoted(name)} is no field of it; ${MAY_CLOSE}`)
}

function readMember(policy: Spelled, member: unknown, field: string, work: Work): PolicyValue | undefined {
  const { proxy, protects } = policy
  const effect = proxy.whole === true ? NO_REQUESTS : protects === true ? CLOSES : NO_EFFECT
  const checked = check(proxy.schema, member, field)
  if ('refusal' in checked) {
    work.refuse(checked.refusal, effect)
    return undefined
  }
  const value = proxy.read(checked.value)
  if (typeof value !== 'string') return completed(policy, value, work.origin.namespace)
  work.refuse({ field, message: value }, effect)
  return undefined
}

/** Fields of policies are spelled in a Proxy in camel case, at the top of the member or one level down. */
function sourcesOf(value: PolicyValue, member: Fields, origin: Origin): Record<string, Origin> {
  const nested = Object.entries(member).map(([name, it]) => [`.${name}`, fields(it)] as const)
  return Object.fromEntries(
    Object.keys(value).map((name) => {
      const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const found = [['', member] as const, ...nested].find(([, members]) => Object.hasOwn(members, camel))
      return [name, found === undefined ? origin : { ...origin, field: `${origin.field}${found[0]}.${camel}` }]
    }),
  )
}
