/** One question to DNS. The only user of node:dns: no search domains, no /etc/hosts, nothing cached. */
import { Resolver } from 'node:dns/promises'

export type Family = 'IPv4' | 'IPv6'

/** What one family came to: addresses (none, if the name has none of it), or why nobody knows. */
export type FamilyReply =
  | { readonly addresses: readonly string[]; readonly ttl: number }
  | { readonly failure: string; readonly isAnswer: boolean }

export type Reply = ReadonlyMap<Family, FamilyReply>

/** Never rejects because of what DNS answers, or that it does not. */
export type Lookup = (name: string) => Promise<Reply>

export interface LookupOptions {
  /** `address` or `address:port`; none: those of /etc/resolv.conf. */
  readonly servers: readonly string[]
  readonly families: readonly Family[]
}

/** A server that says nothing holds a lookup up for the first, doubled at the second try. */
const TIMEOUT_MS = 1000
const TRIES = 2

export interface Dns {
  /** Asks for every family at once. */
  readonly lookup: Lookup
  /** Questions that are under way have failed. */
  cancel(): void
}

/** A resolver of our own, so that one can be cancelled without the others. */
export function dnsLookup({ servers, families }: LookupOptions): Dns {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  const lookup: Lookup = async (name) => {
    const replies = families.map(async (family) => [family, await ask(resolver, name, family)] as const)
    return new Map(await Promise.all(replies))
  }
  return { lookup, cancel: () => resolver.cancel() }
}

async function ask(resolver: Resolver, name: string, family: Family): Promise<FamilyReply> {
  try {
    const records = family === 'IPv4' ? await resolver.resolve4(name, { ttl: true }) : await resolver.resolve6(name, { ttl: true })
    return { addresses: records.map(({ address }) => address), ttl: Math.min(...records.map(({ ttl }) => ttl)) }
  } catch (error) {
    return failed(codeOf(error))
  }
}

/** Code of an error of c-ares; anything else is a bug and thrown on. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not exist',
  ENODATA: 'the name has no address',
  ETIMEOUT: 'the DNS server does not answer',
  ECONNREFUSED: 'the DNS server cannot be reached',
  ESERVFAIL: 'the DNS server failed',
  EREFUSED: 'the DNS server refuses to answer',
}

function failed(code: string): FamilyReply {
  return { failure: REASONS[code] ?? `the lookup failed (${code})`, isAnswer: code === 'ENOTFOUND' || code === 'ENODATA' }
}
