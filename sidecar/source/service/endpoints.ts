/** The endpoints of EndpointSlices: which are used, in which order, and which only at need. */
import type { KubeObject } from '../../collection/objects.ts'
import { formatAddress, parseAddress } from '../../ir/address.ts'
import { isPortNumber } from '../../ir/names.ts'
import type { Endpoint } from '../../ir/types.ts'
import { compareText } from '../../util/canonical.ts'
import { fields, items, text } from '../../util/field.ts'
import type { ServicePort } from './port.ts'

/** One endpoint of a slice, with what decides whether and how it is used. */
export interface Candidate {
  readonly address: string
  readonly port: number
  readonly pod: string
  readonly family: 'IPv4' | 'IPv6'
  readonly ready: boolean
  readonly serving: boolean
  /** The zones whose clients it is for, as Kubernetes hints. */
  readonly zones: readonly string[]
}

/** Every address of a slice for a port of that name and protocol. */
export function candidates(slice: KubeObject, wanted: Pick<ServicePort, 'name' | 'protocol'>): Candidate[] {
  const family = slice.addressType
  if (family !== 'IPv4' && family !== 'IPv6') return []
  const ports = items(slice.ports)
    .map(fields)
    .filter((port) => text(port.name) === wanted.name && (port.protocol ?? 'TCP') === wanted.protocol)
    .map((port) => port.port)
    .filter(isPortNumber)
  return items(slice.endpoints).flatMap((endpoint) => {
    const { addresses, conditions, hints, targetRef } = fields(endpoint)
    const ready = fields(conditions).ready !== false
    const { serving } = fields(conditions)
    const common = {
      address: text(items(addresses)[0]),
      family,
      ready,
      // Kubernetes: `serving` absent means the same as `ready`.
      serving: serving === undefined ? ready : serving !== false,
      pod: text(fields(targetRef).uid),
      zones: items(fields(hints).forZones).map((zone) => text(fields(zone).name)),
    } as const
    return ports.map((port) => ({ ...common, port }))
  })
}

/**
 * Ready endpoints, then those that still serve while they terminate: these are `draining`, unless they are
 * all that is left. A pod that is listed in both families counts once, by the Service's first family.
 * @param zone of this node, for the hints of Kubernetes; '' = they are not followed
 */
export function choose(usable: readonly Candidate[], primary: string, zone: string): Endpoint[] {
  const once = withoutSecondFamily(usable, primary)
  const ready = unique(once.filter((it) => it.ready))
  const draining = unique(once.filter((it) => !it.ready && it.serving))
  const isElsewhere = otherZones([...ready.values()], zone)
  const preferred = [...ready.values()].map((it): Endpoint => endpoint(it, isElsewhere(it) ? { priority: 1 } : {}))
  const rest = [...draining].filter(([key]) => !ready.has(key)).map(([, it]) => it)
  return [...preferred, ...rest.map((it) => endpoint(it, preferred.length > 0 ? { draining: true } : {}))]
}

function endpoint({ address, port }: Candidate, rest: Pick<Endpoint, 'draining' | 'priority'>): Endpoint {
  return { address, port, ...rest }
}

function withoutSecondFamily(usable: readonly Candidate[], primary: string): readonly Candidate[] {
  const inPrimary = new Set(usable.filter((it) => it.family === primary && it.pod !== '').map((it) => `${it.ready} ${it.pod}`))
  return usable.filter((it) => it.family === primary || !inPrimary.has(`${it.ready} ${it.pod}`))
}

/** By canonical address and port, in their order. */
function unique(list: readonly Candidate[]): ReadonlyMap<string, Candidate> {
  const found = new Map<string, Candidate>()
  for (const it of list) {
    const address = formatAddress(parseAddress(it.address) ?? [])
    found.set(`${address} ${it.port}`, { ...it, address })
  }
  return new Map([...found].sort(([left], [right]) => compareText(left, right)))
}

/**
 * Is the endpoint for other zones? As in kube-proxy, hints count only when every ready endpoint has some and
 * at least one is for our zone: half of them would send everything to few.
 */
function otherZones(ready: readonly Candidate[], zone: string): (candidate: Candidate) => boolean {
  const isHere = ({ zones }: Candidate): boolean => zones.includes(zone)
  const counts = zone !== '' && ready.some(isHere) && ready.every(({ zones }) => zones.length > 0)
  return counts ? (candidate) => !isHere(candidate) : () => false
}
