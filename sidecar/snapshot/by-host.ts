/** What a fragment says of one host, without a look at all of its hosts for each of them. */
import type { Fragment, Route, TlsClaim } from '../ir/types.ts'

export interface HostPart {
  /** The object claims the host itself, not only a certificate for it. */
  readonly claimed: boolean
  readonly routes: readonly Route[]
  readonly arms: readonly Route[]
  readonly claims: readonly TlsClaim[]
}

const NOTHING: HostPart = { claimed: false, routes: [], arms: [], claims: [] }

/** Looking at so few entries is cheaper than to remember what was found. */
const FEW = 4

/** Fragments are immutable, so what was found once holds as long as the fragment lives. */
const known = new WeakMap<Fragment, ReadonlyMap<string, HostPart>>()

/** The hosts that the object has a say in: those that it claims, and those that it would like to be there. */
export function routedHosts({ hosts, routes, arms, aliases = [] }: Fragment): string[] {
  const vacant = routes.filter((route) => route.vacant === true)
  const others = [...vacant, ...arms].map(({ host }) => host)
  return [...new Set([...hosts, ...others, ...aliases.map(({ name }) => name)])]
}

/** Beside these, the hosts for which it brings a certificate. */
export function namedHosts(fragment: Fragment): string[] {
  return [...routedHosts(fragment), ...fragment.tls.filter((claim) => claim.named).map((claim) => claim.host)]
}

/** What it says of this host; of many hosts all parts are made at once, and kept with the fragment. */
export function hostPart(fragment: Fragment, host: string): HostPart {
  const { hosts, arms, tls } = fragment
  if (hosts.length + arms.length + tls.length <= FEW) return partsOf(fragment).get(host) ?? NOTHING
  let parts = known.get(fragment)
  if (parts === undefined) known.set(fragment, (parts = partsOf(fragment)))
  return parts.get(host) ?? NOTHING
}

interface Part extends HostPart {
  claimed: boolean
  readonly routes: Route[]
  readonly arms: Route[]
  readonly claims: TlsClaim[]
}

function partsOf({ hosts, routes, arms, tls }: Fragment): ReadonlyMap<string, HostPart> {
  const parts = new Map<string, Part>()
  const part = (host: string): Part => {
    let found = parts.get(host)
    if (found === undefined) parts.set(host, (found = { claimed: false, routes: [], arms: [], claims: [] }))
    return found
  }
  for (const host of hosts) part(host).claimed = true
  for (const route of routes) part(route.host).routes.push(route)
  for (const arm of arms) part(arm.host).arms.push(arm)
  for (const claim of tls) part(claim.host).claims.push(claim)
  return parts
}
