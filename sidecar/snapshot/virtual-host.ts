/** All fragments that claim a host -> the virtual host: precedence, conflicts, certificate. */
import { ANY_HOST } from '../ir/names.ts'
import type { ObjectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { Fragment, Route, TlsClaim, VirtualHost } from '../ir/types.ts'
import { hostPart } from './by-host.ts'
import { withCanaries } from './canary.ts'
import { byAge, compareRoutes, matchPath } from './order.ts'

/** Of one host. A worker decodes them all when one changes. */
const MAX_ROUTES = 20_000
/** Of those of one host: they are tried one after the other, each for up to a millisecond of a worker. */
const MAX_REGEXES = 200

/** Can the Secret's certificate be served for the host? */
export type CertificateCheck = (secret: ObjectName, host: string) => boolean

/** Everything that the fragments with a claim to one host say about it, in whatever order they come. */
export function buildVirtualHost(
  host: string,
  fragments: readonly Fragment[],
  isUsable: CertificateCheck,
): VirtualHost {
  const ordered = byAge(fragments)
  const findings: Finding[] = []
  const claims = ownersClaims(host, ordered, findings)
  const tls = claims.some((claim) => claim.named || (claim.secret !== undefined && isUsable(claim.secret, host)))
  const certificate = chooseCertificate(host, claims, isUsable)
  const arms = ordered.flatMap((fragment) => hostPart(fragment, host).arms)
  const routes = withCanaries(winners(host, ordered, findings).sort(compareRoutes), arms, findings)
  const unclaimed = claims.length === 0 && ordered.every((fragment) => !hostPart(fragment, host).claimed)
  return {
    host,
    routes,
    tls,
    findings,
    ...(unclaimed ? { unclaimed } : {}),
    ...(certificate === undefined ? {} : { certificate }),
  }
}

/** Same path and type twice: the oldest wins; a default backend gives way to any declared path. */
function winners(host: string, fragments: readonly Fragment[], findings: Finding[]): Route[] {
  const taken = new Map<string, Route>()
  let regexes = 0
  const routes = fragments.flatMap((fragment) => hostPart(fragment, host).routes)
  const declared = routes.filter((route) => route.fallback !== true)
  for (const route of [...declared, ...routes.filter((it) => it.fallback === true)]) {
    const slot = `${route.pathType} ${matchPath(route)}`
    const winner = taken.get(slot)
    const isRegex = route.pathType === 'Regex'
    const hasRoom = taken.size < MAX_ROUTES && !(isRegex && regexes === MAX_REGEXES)
    if (winner === undefined && hasRoom) {
      taken.set(slot, route)
      regexes += isRegex ? 1 : 0
    } else if (winner === undefined) findings.push(crowdedOut(route))
    else if (route.fallback !== true || winner.fallback === true) findings.push(conflict(route, winner))
  }
  return [...taken.values()]
}

function crowdedOut(route: Route): Finding {
  const limit = route.pathType === 'Regex' ? `${MAX_REGEXES} regular expressions` : `${MAX_ROUTES} routes`
  const message = `path ${JSON.stringify(route.path)} is left out: host ${route.host} already has as many (${limit})`
  return { origin: route.origin, severity: 'error', reason: 'TooManyRoutes', message }
}

function conflict(loser: Route, winner: Route): Finding {
  const by = `${winner.origin.kind} ${winner.origin.namespace}/${winner.origin.name}`
  const host = loser.host === ANY_HOST ? 'any host' : `host ${loser.host}`
  return {
    origin: loser.origin,
    severity: 'warning',
    reason: 'PathConflict',
    message: `path ${JSON.stringify(loser.path)} (${loser.pathType}) of ${host} is served by ${by}, which is older or comes first`,
  }
}

/** The namespace of the first fragment that claims the host owns its certificate. */
function ownersClaims(host: string, fragments: readonly Fragment[], findings: Finding[]): TlsClaim[] {
  const owner = fragments.find((fragment) => hostPart(fragment, host).claimed) ?? fragments[0]
  const claims = fragments.flatMap((fragment) => hostPart(fragment, host).claims)
  for (const claim of claims) {
    if (claim.named && claim.origin.namespace !== owner?.origin.namespace) {
      findings.push({
        origin: claim.origin,
        severity: 'warning',
        reason: 'HostOwnedByOther',
        message: `host ${host} belongs to namespace ${owner?.origin.namespace ?? ''}: its certificate is served, not this one`,
      })
    }
  }
  return claims.filter((claim) => claim.origin.namespace === owner?.origin.namespace)
}

function chooseCertificate(
  host: string,
  claims: readonly TlsClaim[],
  isUsable: CertificateCheck,
): VirtualHost['certificate'] {
  const inOrder = [...claims.filter((claim) => claim.named), ...claims.filter((claim) => !claim.named)]
  return inOrder.find((claim) => claim.secret !== undefined && isUsable(claim.secret, host))?.secret
}
