/** What holds for a route: its own object's policies, over those of the Service that it leads to. */
import type { Reader } from '../collection/graph.ts'
import type { BackendRef, Route } from '../ir/types.ts'
import type { PolicyReading } from '../policy/annotations.ts'
import type { Context } from './context.ts'

/** Members of a route that say what holds for it. `main` is its first backend, if it has any. */
export function routePolicies(
  own: PolicyReading,
  _main: BackendRef | undefined,
  _read: Reader,
  _context: Context,
): Pick<Route, 'policies' | 'sources' | 'closed'> {
  const { policies, sources, closed } = own
  return { policies, sources, ...(closed === undefined ? {} : { closed }) }
}
