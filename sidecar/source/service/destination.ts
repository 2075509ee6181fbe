/** Where a Service port leads: the result of each way to find out, and which addresses are refused. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { classifyAddress, formatAddress, parseAddress } from '../../ir/address.ts'
import type { Finding, Severity } from '../../ir/origin.ts'
import type { Endpoint } from '../../ir/types.ts'
import type { Context } from '../context.ts'

export interface Destinations {
  readonly endpoints: readonly Endpoint[]
  readonly findings: readonly Finding[]
  /** The DNS name whose addresses they are. */
  readonly externalName?: string
}

/** Why an address is no destination, as words that follow it; undefined: it may be one. */
export function addressRefusal(text: string, context: Context): string | undefined {
  const bytes = parseAddress(text)
  if (bytes === undefined) return 'is not a numeric IP address'
  const { allowLoopback, podAddresses } = context.options
  const kind = classifyAddress(bytes)
  if (kind !== 'ordinary' && !(kind === 'loopback' && allowLoopback)) {
    return `is ${kind === 'unspecified' ? 'an' : 'a'} ${kind} address; only addresses of pods and hosts can be a destination`
  }
  const own = podAddresses.some((address) => formatAddress(parseAddress(address) ?? []) === formatAddress(bytes))
  return own ? 'is an address of this controller itself' : undefined
}

/** In a pod without an IPv6 address, IPv6 endpoints cannot be reached. Unknown own addresses: all can. */
export function isReachable(address: string, context: Context): boolean {
  const { podAddresses } = context.options
  const isIpv6 = address.includes(':')
  return podAddresses.length === 0 || podAddresses.some((own) => own.includes(':') === isIpv6)
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

/** A setting, as far as destinations have any. */
export function deniedDestinations(read: Reader, context: Context): readonly string[] {
  return read.get(context.destinationSettings, '')?.externalNameDenied ?? []
}
