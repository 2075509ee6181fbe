/** The addresses at which clients reach us, as they stand in the status of an Ingress. */
import { isIP } from 'node:net'

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
