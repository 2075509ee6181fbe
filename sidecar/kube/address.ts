/** The addresses at which clients reach us, as they stand in the status of an Ingress. */
import { isIP } from 'node:net'
import type { RawObject } from './resource.ts'

export type Address = { readonly ip: string } | { readonly hostname: string }

/** An RFC 1123 subdomain: what the API server accepts as a hostname. */
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/

/** undefined: neither an IP address nor a host name. */
export function parseAddress(text: string): Address | undefined {
  if (isIP(text) !== 0) return { ip: text }
  return HOSTNAME.test(text) ? { hostname: text } : undefined
}

export type AddressList =
  | { readonly ok: true; readonly addresses: readonly Address[] }
  | { readonly ok: false; readonly message: string }

/** A comma-separated list of IP addresses and host names, as in `--publish-status-address`. */
export function parseAddressList(text: string): AddressList {
  const words = text.split(',').map((word) => word.trim()).filter((word) => word !== '')
  const wrong = words.find((word) => parseAddress(word) === undefined)
  if (wrong !== undefined) return { ok: false, message: `${wrong} is neither an IP address nor a host name` }
  return { ok: true, addresses: canonical(words.flatMap((word) => parseAddress(word) ?? [])) }
}

/** Sorted and without doubles: equal sets of addresses become equal lists. */
export function canonical(addresses: readonly Address[]): readonly Address[] {
  const byText = new Map(addresses.map((address) => [addressText(address), address]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address)
}

/** Equal as sets. */
export function sameAddresses(a: readonly Address[], b: readonly Address[]): boolean {
  const text = (list: readonly Address[]): string => canonical(list).map(addressText).join()
  return a.length === b.length && text(a) === text(b)
}

function addressText(address: Address): string {
  return 'ip' in address ? address.ip : address.hostname
}

/** The addresses in the `status.loadBalancer` of a Service or Ingress; what is not understood is left out. */
export function loadBalancerAddresses(status: unknown): readonly Address[] {
  const { loadBalancer } = (status ?? {}) as { readonly loadBalancer?: { readonly ingress?: unknown } | null }
  const entries = Array.isArray(loadBalancer?.ingress) ? (loadBalancer.ingress as unknown[]) : []
  return entries.flatMap((entry): Address[] => {
    const { ip, hostname } = (entry ?? {}) as { readonly ip?: unknown; readonly hostname?: unknown }
    if (typeof ip === 'string' && ip !== '') return [{ ip }]
    return typeof hostname === 'string' && hostname !== '' ? [{ hostname }] : []
  })
}

interface ServiceSpec {
  readonly type?: unknown
  readonly clusterIP?: unknown
  readonly externalName?: unknown
  readonly externalIPs?: unknown
}

/** As in ingress-nginx: by the type of the Service; external IPs come on top of those of a load balancer. */
export function serviceAddresses(service: RawObject): readonly Address[] {
  const { type, clusterIP, externalName, externalIPs } = (service['spec'] ?? {}) as ServiceSpec
  const external = toAddresses(Array.isArray(externalIPs) ? (externalIPs as unknown[]) : [])
  switch (type) {
    case 'ExternalName':
      return toAddresses([externalName])
    case 'LoadBalancer':
      return [...loadBalancerAddresses(service['status']), ...external]
    case 'NodePort':
      return external.length > 0 ? external : toAddresses([clusterIP])
    default:
      return toAddresses([clusterIP])
  }
}

interface NodeAddress {
  readonly type?: unknown
  readonly address?: unknown
}

/** The first ExternalIP, else the first InternalIP, as in ingress-nginx. */
export function nodeAddresses(node: RawObject, internal: boolean): readonly Address[] {
  const { addresses } = (node['status'] ?? {}) as { readonly addresses?: unknown }
  const all = (Array.isArray(addresses) ? addresses : []) as NodeAddress[]
  const types = internal ? ['InternalIP'] : ['ExternalIP', 'InternalIP']
  const found = types.flatMap((type) => all.filter((each) => each.type === type && each.address !== ''))
  return toAddresses(found.slice(0, 1).map(({ address }) => address))
}

/** `None` of a headless Service is neither an address nor a host that anyone can reach. */
function toAddresses(values: readonly unknown[]): readonly Address[] {
  const words = values.filter((value) => typeof value === 'string' && value !== 'None')
  return words.flatMap((word) => parseAddress(word as string) ?? [])
}
