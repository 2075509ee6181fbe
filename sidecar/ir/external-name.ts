/** The name that a Service of type ExternalName stands for: judged before anybody is asked for its addresses. */
import { parseAddress } from './address.ts'
import { inAscii } from './host-spelling.ts'
import { isDnsName } from './names.ts'

export type ExternalName = { readonly name: string } | { readonly problem: string }

/** Names of the machine itself: RFC 6761 6.3, and what distributions write into /etc/hosts. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'localhost', 'localhost.localdomain', 'localhost6', 'localhost6.localdomain6', 'ip6-localhost', 'ip6-loopback',
])

/**
 * In lower case and ASCII (IDN as punycode), without the dot at its end. `problem` continues a sentence
 * that begins with the value.
 */
export function externalName(value: unknown): ExternalName {
  const name = typeof value === 'string' ? inAscii(value) : ''
  if (isNumeric(name)) return { problem: 'is an IP address; a Service without selector and an EndpointSlice lead to one' }
  if (!isDnsName(name)) return { problem: 'is not a DNS name' }
  if (OWN_NAMES.has(name) || name.endsWith('.localhost')) return { problem: 'is a name of the machine itself' }
  return { name }
}

/** To some resolver an IPv4 address: `127.1`, `0x7f000001`, `2130706433` (WHATWG URL, "ends in a number"). */
function isNumeric(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1)
  return parseAddress(name) !== undefined || /^([0-9]+|0x[0-9a-f]*)$/.test(last)
}
