/** Which object passes the TLS of a host on, if any does. */
import { isSameObject, type Finding, type ObjectRef } from '../ir/origin.ts'
import type { Fragment, Passthrough, Route } from '../ir/types.ts'

/** Everything that was found out about the host before. */
export interface HostSummary {
  readonly host: string
  /** Oldest first. */
  readonly fragments: readonly Fragment[]
  /** Those that won. */
  readonly routes: readonly Route[]
  /** The namespace that has the host. */
  readonly owner: string
}

/**
 * The object that has the path `/` of the host, in the namespace that has the host, where it asks for that.
 * Other claims, and paths that TLS does not reach any more, are findings.
 */
export function choosePassthrough(summary: HostSummary, findings: Finding[]): Passthrough | undefined {
  const { host, fragments, routes, owner } = summary
  const claims = fragments.flatMap(({ passthrough = [] }) => passthrough.filter((claim) => claim.host === host))
  if (claims.length === 0) return undefined
  const root = routes.find(isRoot)
  const chosen = claims.find(({ origin }) =>
    origin.namespace === owner && root !== undefined && isSameObject(origin, root.origin))
  for (const claim of claims) {
    if (claim !== chosen) findings.push(notChosen(claim, owner, root))
  }
  if (chosen === undefined) return undefined
  findings.push(...routes.filter((route) => route !== root).map((route) => unreached(route, chosen)))
  return chosen
}

function isRoot({ path, pathType, match }: Route): boolean {
  return path === '/' && pathType === 'Prefix' && match === undefined
}

function describe({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`
}

function notChosen({ host, origin }: Passthrough, owner: string, root: Route | undefined): Finding {
  const why = origin.namespace === owner
    ? `its path / is served by ${root === undefined ? 'nobody' : describe(root.origin)}, which is older or comes first`
    : `it belongs to namespace ${owner}`
  const message = `TLS of host ${host} is not passed through to this object: ${why}`
  return { origin, severity: 'error', reason: 'PassthroughRefused', message }
}

function unreached({ host, path, origin }: Route, chosen: Passthrough): Finding {
  const why = `TLS of host ${host} is passed through by ${describe(chosen.origin)}`
  const message = `path ${JSON.stringify(path)} is reached by plain HTTP only: ${why}`
  return { origin, severity: 'warning', reason: 'PassthroughHidesPath', message }
}
