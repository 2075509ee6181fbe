/** How large the records of one object may become, which everybody's memory and push pay for. */
import type { Finding, Origin } from '../ir/origin.ts'
import type { Route } from '../ir/types.ts'

/**
 * Of what routes hold beside their paths, in characters. An object is at most 1.5 MiB, but says once what is then
 * held for each pair of host and path; and many paths may share the `conf` of one Service.
 */
const MAX_SIZE = 8_388_608

type Held = Pick<Route, 'policies' | 'match'>

/** The first routes, as far as they fit; what is left out is one finding. Stops looking where it stops taking. */
export function fitting<T extends Held>(routes: readonly T[], origin: Origin, findings: Finding[]): readonly T[] {
  let size = 0
  const fits = ({ policies, match }: T): boolean => (size += sizeOf(policies) + sizeOf(match)) <= MAX_SIZE
  const end = routes.findIndex((route) => !fits(route))
  if (end < 0) return routes
  const message =
    `${origin.field} makes ${routes.length} routes, whose policies and conditions are larger than ${MAX_SIZE} characters ` +
    `together; those after the first ${end} are left out`
  findings.push({ origin, severity: 'error', reason: 'TooLarge', message })
  return routes.slice(0, end)
}

function sizeOf(value: object | undefined): number {
  return value === undefined ? 0 : JSON.stringify(value).length
}
