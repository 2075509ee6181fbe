/** The total order of everything: the same objects give the same bytes, whatever came first. */
import type { Age, Fragment, PathType, Route } from '../ir/types.ts'
import { compareText } from '../util/canonical.ts'

/**
 * Older first. The tie of one second goes to the greater `namespace/name`: the direction of
 * ingress-nginx, so that the winners of an existing cluster stay the winners.
 */
function compareAge(left: Age, right: Age): number {
  return compareText(left.created, right.created) || compareText(right.name, left.name)
}

/** Oldest first; see `compareAge`. */
export function byAge(fragments: readonly Fragment[]): Fragment[] {
  return [...fragments].sort((left, right) => compareAge(left.age, right.age))
}

const RANK: Readonly<Record<PathType, number>> = { Exact: 0, Regex: 1, Prefix: 2 }

/** A trailing slash does not matter to an element-wise prefix, and is not part of its length. */
export function matchPath(route: Route): string {
  if (route.pathType !== 'Prefix' || route.path === '/') return route.path
  return route.path.endsWith('/') ? route.path.slice(0, -1) : route.path
}

/** Precedence of routes of one host: longest path, then Exact, Regex, Prefix, then the text. */
export function compareRoutes(left: Route, right: Route): number {
  return (
    matchPath(right).length - matchPath(left).length ||
    RANK[left.pathType] - RANK[right.pathType] ||
    compareText(matchPath(right), matchPath(left))
  )
}
