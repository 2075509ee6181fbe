/** What kube-proxy makes of a Service on one node. Pure. IPv4 only, as the lab; no session affinity. */

import type { V1Endpoint, V1EndpointSlice, V1Service, V1ServicePort } from '@kubernetes/client-node'
import type { Destination, Forward } from '../packet-rules.ts'

export interface ServiceState {
  readonly service: V1Service
  readonly slices: readonly V1EndpointSlice[]
  /** That the lab's cloud gave to a Service of type LoadBalancer. */
  readonly loadBalancerAddress: string | undefined
}

export interface NodePlace {
  readonly name: string
  readonly address: string
}

/** The ways to a Service that begin or pass on this node, and their destinations; none without a destination. */
export function serviceForwards(state: ServiceState, node: NodePlace): Forward[] {
  return (state.service.spec?.ports ?? []).flatMap((port) => [
    ...insideForwards(state, port, node), ...outsideForwards(state, port, node),
  ]).filter(({ targets }) => targets.length > 0)
}

/** Whether traffic from outside to this Service finds a destination when it comes to this node. */
export function isEntry(state: ServiceState, node: NodePlace): boolean {
  const ports = state.service.spec?.ports ?? []
  return ports.some((port) => outsideForwards(state, port, node).some(({ targets }) => targets.length > 0))
}

function insideForwards({ service, slices }: ServiceState, port: V1ServicePort, node: NodePlace): Forward[] {
  const targets = destinations(slices, port, service.spec?.internalTrafficPolicy === 'Local' ? node.name : undefined)
  const addresses = (service.spec?.clusterIPs ?? []).filter(isAddress)
  return addresses.map((address) => forward(address, port, { targets, masquerade: false }))
}

function outsideForwards(state: ServiceState, port: V1ServicePort, node: NodePlace): Forward[] {
  const { service, slices, loadBalancerAddress } = state
  const { externalIPs = [], externalTrafficPolicy } = service.spec ?? {}
  const isLocal = externalTrafficPolicy === 'Local'
  const to = { targets: destinations(slices, port, isLocal ? node.name : undefined), masquerade: !isLocal }
  const addresses = [...externalIPs, ...loadBalancerAddress === undefined ? [] : [loadBalancerAddress]]
  const nodePort = port.nodePort === undefined ? [] : [forward(node.address, { ...port, port: port.nodePort }, to)]
  return [...nodePort, ...addresses.filter(isAddress).map((address) => forward(address, port, to))]
}

function forward(
  address: string, { port, protocol = 'TCP' }: V1ServicePort, to: Pick<Forward, 'targets' | 'masquerade'>,
): Forward {
  return { address, protocol: protocol.toLowerCase() as Forward['protocol'], port, ...to }
}

/** Of one node, or of all. Ready ones; when there is none, those that serve on while they end. */
function destinations(
  slices: readonly V1EndpointSlice[], { name = '' }: V1ServicePort, node: string | undefined,
): Destination[] {
  const candidates = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) => {
    const port = slice.ports?.find((each) => (each.name ?? '') === name)?.port
    return port === undefined ? [] : (slice.endpoints ?? []).map((endpoint) => ({ endpoint, port }))
  }).filter(({ endpoint }) => node === undefined || endpoint.nodeName === node)
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false)
  const chosen = ready.length > 0 ? ready : candidates.filter(({ endpoint }) => servesOn(endpoint))
  return chosen.flatMap(({ endpoint, port }) => endpoint.addresses.slice(0, 1).map((address) => ({ address, port })))
}

function servesOn({ conditions }: V1Endpoint): boolean {
  return conditions?.serving === true && conditions.terminating === true
}

/** `None` is a Service without an address. */
function isAddress(text: string): boolean {
  return /^\d+(\.\d+){3}$/.test(text)
}
