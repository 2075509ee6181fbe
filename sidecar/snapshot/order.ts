/** The total order of everything: the same objects give the same bytes, whatever came first. */
import type { Age, Fragment, PathType, Route, RouteMatch } from '../ir/types.ts'
import { canonicalJson, compareText } from '../util/canonical.ts'

/**
 * Older first. The tie of one second goes to the greater `namespace/name`: the direction of
 * ingress-nginx, so that the winners of an existing cluster stay the winners.
 */
function compareAge(left: Age, right: Age): number {
  return compareText(left.created, right.created) || compareText(right.name, left.name)
}

/** Oldest first; see `compareAge`. Of two kinds with one name and time, that whose name comes first: Ingress, Proxy. */
export function byAge(fragments: readonly Fragment[]): Fragment[] {
  return [...fragments].sort(
    (left, right) => compareAge(left.age, right.age) || compareText(left.origin.kind, right.origin.kind),
  )
}

const RANK: Readonly<Record<PathType, number>> = { Exact: 0, Regex: 1, Prefix: 2 }

/** A trailing slash does not matter to an element-wise prefix, and is not part of its length. */
export function matchPath(route: Route): string {
  if (route.pathType !== 'Prefix' || route.path === '/') return route.path
  return route.path.endsWith('/') ? route.path.slice(0, -1) : route.path
}

/** Equal texts: the same conditions, in whatever order they were written. */
export function matchKey(match: RouteMatch | undefined): string {
  if (match === undefined) return ''
  const { methods = [], headers = [], query = [] } = match
  return canonicalJson([[...methods].sort(), headers.map(canonicalJson).sort(), query.map(canonicalJson).sort()])
}

/** More conditions first: a method, then the number of headers, then that of query parameters (Gateway API). */
function compareMatches(left: RouteMatch | undefined, right: RouteMatch | undefined): number {
  if (left === right) return 0
  const count = (match: RouteMatch | undefined, name: 'headers' | 'query'): number => match?.[name]?.length ?? 0
  return (
    Number(right?.methods !== undefined) - Number(left?.methods !== undefined) ||
    count(right, 'headers') - count(left, 'headers') ||
    count(right, 'query') - count(left, 'query')
  )
}

/**
 * Precedence of routes of one host: longest path, then Exact, Regex, Prefix, then the text, then more
 * conditions. The sort is stable: what is older then comes first.
 */
export function compareRoutes(left: Route, right: Route): number {
  return (
    matchPath(right).length - matchPath(left).length ||
    RANK[left.pathType] - RANK[right.pathType] ||
    compareText(matchPath(right), matchPath(left)) ||
    compareMatches(left.match, right.match)
  )
}
