/** Why one route of a host comes before another, in words: the order itself is that of snapshot/order.ts. */
import type { RouteRecord } from '../dynamic/records.ts'

/** `next`: the first after the winner that takes the request too. */
export function why(winner: RouteRecord, next: RouteRecord | undefined): string {
  if (next === undefined) return 'no other route of the host takes the request'
  const than = `${JSON.stringify(next.path)} (${next.pathType}) of ${next.origin.kind} ${next.origin.namespace}/${next.origin.name}`
  if (winner.path.length > next.path.length) return `its path is longer than ${than}`
  if (winner.pathType !== next.pathType) return `${winner.pathType} comes before ${than}`
  if (predicates(winner) > predicates(next)) return `it asks for more of a request than ${than}`
  return `it comes before ${than} in the order of paths, then of age`
}

function predicates({ match }: RouteRecord): number {
  return (match?.methods === undefined ? 0 : 1) + (match?.headers?.length ?? 0) + (match?.query?.length ?? 0)
}
