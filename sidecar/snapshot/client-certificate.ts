/** The certificates of clients that a host asks for: a handshake knows its name, and no path. */
import { objectKey } from '../ir/object-name.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { HostDemand, Json, Route, VirtualHost } from '../ir/types.ts'
import { clientCertificate, handshakeDemand, isUnknownDemand } from '../policy/client-certificate.ts'
import { isEqual } from '../util/equal.ts'

const { name: POLICY } = clientCertificate

const UNKNOWN = 'the certificates that the host demands of clients are not known'

/** What the handshakes of a host ask for, and the policy of those of its routes that have none of their own. */
interface Demand {
  readonly handshake: HostDemand
  readonly policy: Json
}

export interface HostRoutes {
  /** The namespace that owns the host. */
  readonly owner: string
  /** All, by the age of their objects. */
  readonly asked: readonly Route[]
  /** Those that won. */
  readonly served: readonly Route[]
}

/**
 * What the oldest object asks for, of the namespace that owns the host, holds for every route of it, as in
 * ingress-nginx. A route whose own object asks for something else cannot have it, and is closed.
 */
export function withClientCertificates(
  { owner, asked, served }: HostRoutes,
  findings: Finding[],
): Pick<VirtualHost, 'routes' | 'clientCertificate' | 'closed'> {
  const demands = asked.filter(({ policies }) => handshakeDemand(policies[POLICY]) !== undefined)
  const demand = demandOf(demands.find(({ origin }) => origin.namespace === owner))
  findings.push(...unheardFindings(demands.filter((route) => !isHeard(route, owner, demand)), owner))
  const routes = demands.length === 0 ? served : served.map((route) => withDemand(route, owner, demand))
  return demand === undefined ? withoutDemand(owner, asked, routes) : { routes, clientCertificate: demand.policy }
}

/** Where the owner demands something that could not be understood, nobody comes in by what other objects leave open. */
function withoutDemand(
  owner: string,
  asked: readonly Route[],
  served: readonly Route[],
): Pick<VirtualHost, 'routes' | 'closed'> {
  const unknown = asked.find(({ origin, policies }) => origin.namespace === owner && isUnknownDemand(policies[POLICY]))
  if (unknown === undefined) return { routes: served }
  const closed = unknown.closed ?? UNKNOWN
  return { routes: served.map((route) => ({ ...route, closed: route.closed ?? closed })), closed }
}

function demandOf(route: Route | undefined): Demand | undefined {
  const policy = route?.policies[POLICY]
  const handshake = handshakeDemand(policy)
  return policy === undefined || handshake === undefined ? undefined : { handshake, policy }
}

function withDemand(route: Route, owner: string, demand: Demand | undefined): Route {
  const own = handshakeDemand(route.policies[POLICY])
  if (own === undefined) return demand === undefined ? route : withPolicy(route, demand.policy)
  if (isHeard(route, owner, demand)) return route
  return { ...route, closed: route.closed ?? `the host does not ask for certificates of ${objectKey(own.authority)}` }
}

function withPolicy(route: Route, value: Json): Route {
  return { ...route, policies: { ...route.policies, [POLICY]: value } }
}

function isHeard({ origin, policies }: Route, owner: string, demand: Demand | undefined): boolean {
  return origin.namespace === owner && isEqual(handshakeDemand(policies[POLICY]), demand?.handshake)
}

/** Once for each object. */
function unheardFindings(unheard: readonly Route[], owner: string): Finding[] {
  const byObject = new Map(unheard.map((route) => [`${route.origin.kind}/${objectKey(route.origin)}`, route]))
  return [...byObject.values()].map((route) => finding(route, owner))
}

function finding({ host, origin, sources }: Route, owner: string): Finding {
  const said: Origin = sources[POLICY]?.secret ?? origin
  const isOwner = origin.namespace === owner
  const who = isOwner ? `an older object says for host ${host}` : `host ${host} belongs to namespace ${owner}, which alone says`
  const message = `${who} which certificates it asks for, and how deep they may be; so its paths of this host answer 503`
  return { origin: said, severity: 'error', reason: isOwner ? 'ClientCertificateConflict' : 'HostOwnedByOther', message }
}
