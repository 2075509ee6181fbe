/** Where a Service port leads: the result of each way to find out, and which addresses are refused. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { classifyAddress, formatAddress, parseAddress } from '../../ir/address.ts'
import type { Finding, Severity } from '../../ir/origin.ts'
import type { Endpoint } from '../../ir/types.ts'
import { fields, items, text } from '../../util/field.ts'
import type { Context } from '../context.ts'

const NONE: ReadonlySet<string> = new Set()

export interface Destinations {
  readonly endpoints: readonly Endpoint[]
  readonly findings: readonly Finding[]
  /** The DNS name whose addresses they are. */
  readonly externalName?: string
}

/**
 * Why an address and port are no destination, as words that follow it; undefined: it may be one.
 * @param front addresses of the Service in front of this controller, where these count
 */
export function addressRefusal(to: Pick<Endpoint, 'address' | 'port'>, context: Context, front = NONE): string | undefined {
  const bytes = parseAddress(to.address)
  if (bytes === undefined) return 'is not a numeric IP address'
  const { allowLoopback } = context.options
  const kind = classifyAddress(bytes)
  if (kind !== 'ordinary' && !(kind === 'loopback' && allowLoopback)) {
    return `is ${kind === 'unspecified' ? 'an' : 'a'} ${kind} address; only addresses of pods and hosts can be a destination`
  }
  const canonical = formatAddress(bytes)
  if (front.has(canonical)) return 'is an address of the Service in front of this controller'
  return isOurs(canonical, to.port, context) ? 'is an address of this controller itself' : undefined
}

function isOurs(address: string, port: number, { options: { podAddresses, podPorts } }: Context): boolean {
  return (podPorts.length === 0 || podPorts.includes(port)) &&
    podAddresses.some((it) => formatAddress(parseAddress(it) ?? []) === address)
}

/** Of the Service in front of this controller: a request sent there would come back. */
export function ownAddresses(read: Reader, context: Context): ReadonlySet<string> {
  const service = read.get(context.services, context.options.publishService)
  const { clusterIPs, externalIPs } = fields(service?.spec)
  const assigned = items(fields(fields(service?.status).loadBalancer).ingress).map((it) => fields(it).ip)
  const known = [...items(clusterIPs), ...items(externalIPs), ...assigned].map((it) => parseAddress(text(it)) ?? [])
  return new Set(known.filter((bytes) => bytes.length > 0).map(formatAddress))
}

/** In a pod without an IPv6 address, IPv6 endpoints cannot be reached. Unknown own addresses: all can. */
export function isReachable(address: string, context: Context): boolean {
  const { podAddresses } = context.options
  const isIpv6 = address.includes(':')
  return podAddresses.length === 0 || podAddresses.some((own) => own.includes(':') === isIpv6)
}

interface Unreachable {
  readonly reason: 'UnreachableEndpoints'
  readonly message: string
}

/**
 * What to say when nothing is left of addresses that nobody refuses; else nothing.
 * @param all how many there are, of which `refused` are refused and `usable` are left
 */
export function unreachable(all: number, refused: number, usable: number): readonly Unreachable[] {
  if (usable > 0 || all <= refused) return []
  const message = 'its addresses are of a family (IPv4, IPv6) that this pod has no address of: they are not used'
  return [{ reason: 'UnreachableEndpoints', message }]
}

export interface ServiceProblem {
  readonly field: string
  readonly reason: string
  readonly message: string
  readonly severity?: Severity
}

/** A finding about a Service. */
export function serviceFinding(service: KubeObject, { field, severity = 'warning', ...rest }: ServiceProblem): Finding {
  const { namespace, name, uid } = service.metadata
  const origin = { kind: 'Service', namespace, name, field, apiVersion: 'v1', ...(uid === undefined ? {} : { uid }) }
  return { origin, severity, ...rest }
}

/** Of one backend: slices and DNS can bring thousands of addresses that are refused, and others each time. */
const MAX_REFUSED = 16

/** The first ones, and one text for all others. */
export function refusedMessages(refusals: readonly string[]): readonly string[] {
  const more = refusals.length - MAX_REFUSED
  return [...refusals.slice(0, MAX_REFUSED), ...(more > 0 ? [`more addresses are refused than these ${MAX_REFUSED}`] : [])]
}

/** A finding for each of the first ones, and one for all others. */
export function refusedEndpoints(service: KubeObject, field: string, refusals: readonly string[]): readonly Finding[] {
  return refusedMessages(refusals).map((message) => serviceFinding(service, { field, reason: 'RefusedEndpoint', message }))
}
