/** Policies of two objects that both have a say in a route. */
import type { Json, PolicySet, PolicySources, Route } from '../../ir/types.ts'
import type { PolicyValue } from '../common/policy.ts'
import { POLICIES } from '../registry.ts'

/** What an object says, where it says each of it, and the reason to close its routes, if any. */
export type Said = Pick<Route, 'policies' | 'sources' | 'closed'>

const MERGES = new Map(POLICIES.map(({ name, merge }) => [name, merge]))
/** Each is an answer without a backend: one said above stands against any said below. */
const ANSWERS = ['redirect', 'direct_response']

/** `above` wins, policy by policy and member by member; what only `below` says holds, too. */
export function merged(below: Said, above: Said): Said {
  const closed = above.closed ?? below.closed
  const names = new Set([...Object.keys(below.policies), ...Object.keys(above.policies)])
  if (ANSWERS.some((name) => name in above.policies)) {
    for (const name of ANSWERS) if (!(name in above.policies)) names.delete(name)
  }
  return {
    policies: mergedPolicies(below.policies, above.policies, names),
    sources: mergedSources(below.sources, above.sources, names),
    ...(closed === undefined ? {} : { closed }),
  }
}

function mergedPolicies(below: PolicySet, above: PolicySet, names: ReadonlySet<string>): PolicySet {
  const values = [...names].map((name): [string, Json] => {
    const [lower, upper] = [below[name] as PolicyValue | undefined, above[name] as PolicyValue | undefined]
    if (lower === undefined || upper === undefined) return [name, lower ?? upper ?? {}]
    return [name, MERGES.get(name)?.(lower, upper) ?? { ...lower, ...upper }]
  })
  return Object.fromEntries(values)
}

function mergedSources(below: PolicySources, above: PolicySources, names: ReadonlySet<string>): PolicySources {
  return Object.fromEntries([...names].map((name) => [name, { ...below[name], ...above[name] }]))
}
