/** Who may ask the admin API: processes of this machine (or pod), and no web page that they show. */
import { BlockList, isIPv6 } from 'node:net'

const LOOPBACK = new BlockList()
// The list also finds IPv4 addresses that are mapped into IPv6.
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** `address` as the socket has it. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * Whether a Host header names this machine. A web page can let its own name resolve to 127.0.0.1 (DNS
 * rebinding); then the browser sends that name.
 */
export function isLocalHost(header: string | undefined): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:]+)(:\d+)?$/i.exec(header ?? '')?.[1] ?? ''
  return name.toLowerCase() === 'localhost' || isLoopback(name.replace(/^\[|\]$/g, ''))
}
