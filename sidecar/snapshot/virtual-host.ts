/** All fragments that claim a host -> the virtual host: precedence, conflicts, certificate. */
import { ANY_HOST } from '../ir/names.ts'
import type { Finding } from '../ir/origin.ts'
import type { Alias, Fragment, Route, RouteMatch, TlsClaim, VirtualHost } from '../ir/types.ts'
import { chooseAlias, ownerOf, type FragmentsOf } from './alias.ts'
import { hostPart } from './by-host.ts'
import { withCanaries } from './canary.ts'
import { chooseCertificates, type CertificateCheck } from './certificates.ts'
import { chooseCiphers } from './ciphers.ts'
import { withClientCertificates } from './client-certificate.ts'
import { choosePassthrough } from './passthrough.ts'
import { byAge, compareRoutes, matchKey, matchPath } from './order.ts'

/** Of one host. A worker decodes them all when one changes. */
const MAX_ROUTES = 20_000
/** Of one host, patterns of conditions among them: each may take a millisecond of a worker. */
const MAX_REGEXES = 200
/** Of one host: those of one path are tried one after the other. */
const MAX_CONDITIONAL = 1000

/** What everybody says about a host and, where nobody claims it, about the one that it is another name of. */
export function buildVirtualHost(host: string, fragmentsOf: FragmentsOf, isUsable: CertificateCheck): VirtualHost {
  const ordered = byAge(fragmentsOf(host))
  const findings: Finding[] = []
  const alias = chooseAlias(host, ordered, fragmentsOf, findings)
  if (alias === undefined) return buildHost(host, ordered, isUsable, findings)
  const vacant = ordered.flatMap((fragment) => hostPart(fragment, host).routes)
  withoutVacant(vacant, findings)
  const main = buildHost(alias.host, byAge(fragmentsOf(alias.host)), isUsable, [])
  const { certificate: _, alternatives: __, passthrough: ___, ...common } = main
  return { ...common, host, ...aliasTls(alias, ordered, isUsable), findings }
}

/** Of the namespace that owns the host; the certificate of the host itself need not cover the name. */
function aliasTls(
  { name, origin }: Alias,
  ordered: readonly Fragment[],
  isUsable: CertificateCheck,
): Pick<VirtualHost, 'tls' | 'certificate' | 'alternatives'> {
  const claims = ordered
    .flatMap((fragment) => hostPart(fragment, name).claims)
    .filter((claim) => claim.origin.namespace === origin.namespace)
  const chosen = chooseCertificates(name, claims, isUsable)
  return { tls: chosen.certificate !== undefined || claims.some((claim) => claim.named), ...chosen }
}

/** Everything that the fragments with a claim to one host say about it, in order of age. */
function buildHost(
  host: string,
  ordered: readonly Fragment[],
  isUsable: CertificateCheck,
  findings: Finding[],
): VirtualHost {
  const owner = ownerOf(host, ordered)
  const claims = ownersClaims(host, ordered, findings)
  const isCovered = ({ secret }: TlsClaim): boolean => secret !== undefined && isUsable(secret, host) !== undefined
  const tls = claims.some((claim) => claim.named || isCovered(claim))
  const arms = ordered.flatMap((fragment) => hostPart(fragment, host).arms)
  const isClaimed = ordered.some((fragment) => hostPart(fragment, host).claimed)
  const asked = ordered.flatMap((fragment) => hostPart(fragment, host).routes)
  const allowed = ownersRoutes(owner, isClaimed ? withoutVacant(asked, findings) : asked, findings)
  const served = withCanaries(winners(allowed, findings).sort(compareRoutes), arms, findings)
  const certified = withClientCertificates({ owner, asked, served }, findings)
  const { routes } = certified
  const passthrough = choosePassthrough({ host, fragments: ordered, routes, owner }, findings)
  const unclaimed = claims.length === 0 && !isClaimed && routes.length === 0
  return {
    host,
    ...certified,
    tls,
    findings,
    ...(unclaimed ? { unclaimed } : {}),
    ...chooseCertificates(host, claims, isUsable),
    ...chooseCiphers(owner, asked, findings),
    ...(passthrough === undefined ? {} : { passthrough }),
  }
}

/** What a host has only so many of. */
interface Counts {
  readonly routes: number
  readonly conditional: number
  readonly regexes: number
}

const NONE: Counts = { routes: 0, conditional: 0, regexes: 0 }
const LIMITS: Counts = { routes: MAX_ROUTES, conditional: MAX_CONDITIONAL, regexes: MAX_REGEXES }
const LIMIT_NAMES: { readonly [name in keyof Counts]: string } = {
  routes: 'routes',
  conditional: 'routes with conditions',
  regexes: 'regular expressions',
}

function withRoute({ routes, conditional, regexes }: Counts, { pathType, match }: Route): Counts {
  return {
    routes: routes + 1,
    conditional: conditional + (match === undefined ? 0 : 1),
    regexes: regexes + patternsOf(match) + (pathType === 'Regex' ? 1 : 0),
  }
}

function patternsOf(match: RouteMatch | undefined): number {
  if (match === undefined) return 0
  return [...(match.headers ?? []), ...(match.query ?? [])].filter(({ pattern }) => pattern !== undefined).length
}

function exceeded(counts: Counts): keyof Counts | undefined {
  return (Object.keys(LIMITS) as (keyof Counts)[]).find((name) => counts[name] > LIMITS[name])
}

/**
 * Same path, type and conditions twice: the oldest wins; a default backend gives way to any declared path. Conditions
 * on a path of another namespace count as the same: whoever asks for GET would have taken what is asked for most.
 */
function winners(routes: readonly Route[], findings: Finding[]): Route[] {
  const taken = new Map<string, Route>()
  const owners = new Map<string, Route>()
  let counts = NONE
  const declared = routes.filter((route) => route.fallback !== true)
  for (const route of [...declared, ...routes.filter((it) => it.fallback === true)]) {
    const path = `${route.pathType} ${matchPath(route)}`
    const slot = `${path} ${matchKey(route.match)}`
    const winner = taken.get(slot) ?? foreignOwner(route, owners.get(path))
    if (winner !== undefined) {
      if (route.fallback !== true || winner.fallback === true) findings.push(conflict(route, winner))
      continue
    }
    const more = withRoute(counts, route)
    const limit = exceeded(more)
    if (limit === undefined) {
      taken.set(slot, route)
      if (!owners.has(path)) owners.set(path, route)
      counts = more
    } else findings.push(crowdedOut(route, `${LIMITS[limit]} ${LIMIT_NAMES[limit]}`))
  }
  return [...taken.values()]
}

function foreignOwner(route: Route, owner: Route | undefined): Route | undefined {
  const isForeign = owner !== undefined && route.fallback !== true && owner.origin.namespace !== route.origin.namespace
  return isForeign ? owner : undefined
}

function crowdedOut(route: Route, limit: string): Finding {
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

/** Somebody serves the host: nothing is put in its place. */
function withoutVacant(routes: readonly Route[], findings: Finding[]): readonly Route[] {
  for (const { host, origin } of routes.filter((route) => route.vacant === true)) {
    const message = `it has no effect on host ${host}, which has routes of its own`
    findings.push({ origin, severity: 'warning', reason: 'HostClaimed', message })
  }
  return routes.filter((route) => route.vacant !== true)
}

/** Without those by which somebody else would change the host as a whole. */
function ownersRoutes(owner: string, routes: readonly Route[], findings: Finding[]): readonly Route[] {
  const isForeign = (route: Route): boolean => route.owners === true && route.origin.namespace !== owner
  for (const { host, path, origin } of routes.filter(isForeign)) {
    findings.push({
      origin,
      severity: 'warning',
      reason: 'HostOwnedByOther',
      message: `host ${host} belongs to namespace ${owner}, which alone says what becomes of ${JSON.stringify(path)}`,
    })
  }
  return routes.filter((route) => !isForeign(route))
}

/** The owner of the host says what its certificate is. */
function ownersClaims(host: string, fragments: readonly Fragment[], findings: Finding[]): TlsClaim[] {
  const owner = ownerOf(host, fragments)
  const claims = fragments.flatMap((fragment) => hostPart(fragment, host).claims)
  for (const claim of claims) {
    if (claim.named && claim.origin.namespace !== owner) {
      findings.push({
        origin: claim.origin,
        severity: 'warning',
        reason: 'HostOwnedByOther',
        message: `host ${host} belongs to namespace ${owner}: its certificate is served, not this one`,
      })
    }
  }
  return claims.filter((claim) => claim.origin.namespace === owner)
}
