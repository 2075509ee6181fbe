/**
 * IP addresses and ranges, parsed to bytes and printed again: what leaves here is canonical, so no
 * spelling of an address slips past a check or into nginx.conf.
 */
import { quoted } from './names.ts'
import type { Parsed } from './value.ts'

export type AddressClass = 'loopback' | 'unspecified' | 'link-local' | 'metadata' | 'multicast' | 'ordinary'

/** Where clouds hand out the credentials of a machine; 169.254.169.254 is link-local already. */
const METADATA: ReadonlySet<string> = new Set([
  '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2:0:0:0:0:0:254', 'fd20:ce:0:0:0:0:0:254',
])

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [position, group] of groups.entries()) {
    const last = position === groups.length - 1
    const tail = last && group.includes('.') ? parseIpv4(group) : undefined
    if (tail !== undefined) bytes.push(...tail)
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 255)
    else return undefined
  }
  return bytes
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] ?? '')
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

/** 4 or 16 bytes; undefined for anything that is not exactly one numeric address (RFC 4291, RFC 6943). */
export function parseAddress(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
}

function classifyIpv4(bytes: readonly number[]): AddressClass {
  const [first = 0, second = 0] = bytes
  if (first === 127) return 'loopback'
  if (first === 0) return 'unspecified'
  if (first === 169 && second === 254) return 'link-local'
  return first >= 224 ? 'multicast' : 'ordinary'
}

const NAT64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]

/** The IPv4 address that packets end up at: by itself, mapped (RFC 4291), by NAT64 (RFC 6052) or by 6to4 (RFC 3056). */
function ipv4Of(bytes: readonly number[]): readonly number[] | undefined {
  if (bytes.length === 4) return bytes
  if (isMapped(bytes) || NAT64.every((byte, i) => bytes[i] === byte)) return bytes.slice(12)
  return bytes[0] === 0x20 && bytes[1] === 0x02 ? bytes.slice(2, 6) : undefined
}

/** One numeric address, printed the one way. */
export function address(text: string): Parsed<string> {
  const bytes = parseAddress(text)
  return bytes === undefined ? { allowed: 'a numeric IP address' } : { value: formatAddress(bytes) }
}

/** What an address is for (RFC 6890); one with an IPv4 address inside is judged by that. */
export function classifyAddress(bytes: readonly number[]): AddressClass {
  const ipv4 = ipv4Of(bytes)
  if (METADATA.has(formatAddress(ipv4 ?? bytes))) return 'metadata'
  return ipv4 === undefined ? classifyIpv6(bytes) : classifyIpv4(ipv4)
}

function classifyIpv6(bytes: readonly number[]): AddressClass {
  const [first = 0, second = 0] = bytes
  if (bytes.slice(0, 15).every((byte) => byte === 0)) return bytes[15] === 1 ? 'loopback' : 'unspecified'
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'link-local'
  return first === 0xff ? 'multicast' : 'ordinary'
}

/** Is the address, or the IPv4 address inside it, in the range as `parseCidr` prints it? */
export function isInRange(bytes: readonly number[], range: string): boolean {
  const [base = '', bits = '128'] = range.split('/')
  const network = parseAddress(base)
  const address = network?.length === 4 ? ipv4Of(bytes) : bytes
  if (network === undefined || network.length !== address?.length) return false
  return network.every((byte, i) => {
    const mask = maskAt(i, Number(bits))
    return (byte & mask) === ((address[i] ?? 0) & mask)
  })
}

/** Canonical text (IPv6 without `::`, lower case): equal addresses give equal text. */
export function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  if (isMapped(bytes)) return bytes.slice(12).join('.')
  return formatIpv6(bytes)
}

function formatIpv6(bytes: readonly number[]): string {
  return Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(':')
}

/** The byte at a position of a mask with so many bits. */
function maskAt(position: number, bits: number): number {
  return (0xff << Math.max(0, 8 - Math.max(0, bits - 8 * position))) & 0xff
}

/** `address` or `address/bits`, printed again with the host bits cleared. */
export function parseCidr(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || rest.length > 0) return undefined
  if (bits === undefined) return formatAddress(bytes)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > bytes.length * 8) return undefined
  const masked = bytes.map((byte, i) => byte & maskAt(i, Number(bits)))
  if (masked.length === 4) return `${formatAddress(masked)}/${Number(bits)}`
  // All of it is mapped, so it is the range of IPv4 addresses that it maps (RFC 4291).
  if (isMapped(masked)) return `${formatAddress(masked)}/${Number(bits) - 96}`
  return `${formatIpv6(masked)}/${Number(bits)}`
}

/** An address or a range, as `parseCidr` prints it. */
export function cidr(text: string): Parsed<string> {
  const value = text.length > 50 ? undefined : parseCidr(text)
  return value === undefined ? { allowed: 'an IP address or a range such as 10.0.0.0/8' } : { value }
}

const MAX_LIST = 32_768
const ENTRIES = 'IP addresses and ranges such as 10.0.0.0/8, separated by commas'

/** Addresses and ranges of which none may be wrong: the first that is, a blank one too, is told. */
export function cidrs(maxItems: number): (text: string) => Parsed<readonly string[]> {
  return (text) => {
    if (text.length > MAX_LIST) return { allowed: `${ENTRIES}, at most ${MAX_LIST} characters` }
    const entries = text.split(',').map((entry) => entry.trim())
    if (entries.length > maxItems) return { allowed: `${ENTRIES}, at most ${maxItems}` }
    const values: string[] = []
    for (const [i, entry] of entries.entries()) {
      const parsed = cidr(entry)
      if ('allowed' in parsed) return { allowed: `${ENTRIES} (entry ${i + 1}, ${quoted(entry)}, is none)` }
      values.push(parsed.value)
    }
    return { value: values }
  }
}
