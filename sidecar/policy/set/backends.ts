/** The backends that policies lead to, beside those of the routes themselves. */
import type { BackendRef, Route } from '../../ir/types.ts'
import type { Policy, PolicyValue } from '../common/policy.ts'
import { POLICIES } from '../registry.ts'

const LEADING: readonly Policy[] = POLICIES.filter(({ backends }) => backends !== undefined)

/** Of these routes; one may be there more than once. */
export function policyBackends(routes: readonly Route[]): readonly BackendRef[] {
  return routes.flatMap(({ policies, host, origin }) =>
    LEADING.flatMap(({ name, backends }) => {
      const value = policies[name]
      return value === undefined ? [] : (backends?.(value as PolicyValue, host, origin.namespace) ?? [])
    }),
  )
}
