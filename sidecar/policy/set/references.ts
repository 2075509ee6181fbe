/** The Secrets and ConfigMaps that policies refer to, each as the text `namespace/name` in a field of its value. */
import { objectName, type ObjectName } from '../../ir/object-name.ts'
import type { Fragment, PolicySet } from '../../ir/types.ts'
import { fields } from '../../util/field.ts'
import type { Field, NamedKind, Policy, PolicyValue } from '../common/policy.ts'
import { inNamespace } from '../common/reference.ts'
import { POLICIES } from '../registry.ts'

const REFERRING = POLICIES.flatMap((policy: Policy) =>
  Object.entries(policy.fields).flatMap(([field, { names: kind }]) =>
    kind === undefined ? [] : [{ policy: policy.name, field, kind }]),
)

/** The value of a typed object, which names objects of its own namespace only, with their names completed. */
export function completed(policy: Policy, value: PolicyValue, namespace: string): PolicyValue {
  const all: readonly (readonly [string, Field])[] = Object.entries(policy.fields)
  const named = all.filter(([field, { names }]) => names !== undefined && field in value)
  if (named.length === 0) return value
  const names = named.map(([field]) => [field, inNamespace(String(value[field]), namespace) ?? null])
  return { ...value, ...Object.fromEntries(names) }
}

/** Members of a fragment: `secrets`, and those that policies name. */
export function referenced(
  secrets: readonly ObjectName[],
  policies: Iterable<PolicySet>,
): Pick<Fragment, 'secrets' | 'configMaps'> {
  const sets = [...new Set(policies)]
  const configMaps = sets.flatMap((it) => namedBy(it, 'ConfigMap'))
  return {
    secrets: [...secrets, ...sets.flatMap((it) => namedBy(it, 'Secret'))],
    ...(configMaps.length === 0 ? {} : { configMaps }),
  }
}

function namedBy(policies: PolicySet, kind: NamedKind): readonly ObjectName[] {
  return REFERRING.flatMap((it) => {
    const name = it.kind === kind ? fields(policies[it.policy])[it.field] : undefined
    return typeof name === 'string' ? [objectName(name)] : []
  })
}
