/** A DNS name -> those of its addresses that requests may be sent to. */
import type { Reader } from '../../collection/graph.ts'
import { formatAddress, isInRange, parseAddress } from '../../ir/address.ts'
import { quoted } from '../../ir/names.ts'
import type { Endpoint, Resolution } from '../../ir/types.ts'
import { compareText } from '../../util/canonical.ts'
import type { Context } from '../context.ts'
import { addressRefusal, isReachable, refusedMessages, unreachable } from './destination.ts'

/** A name as a destination, and how to tell of it. */
export interface Named {
  readonly name: string
  readonly port: number
  /** What it is called in findings. */
  readonly subject: string
  /** What becomes of requests while it has no address. */
  readonly otherwise: string
  /** Addresses that it may not have: those in front of this controller, where these count. */
  readonly front?: ReadonlySet<string>
}

export interface NameProblem {
  readonly reason: 'RefusedName' | 'RefusedEndpoint' | 'NameNotResolved' | 'UnreachableEndpoints'
  readonly message: string
}

export interface NamedDestinations {
  readonly endpoints: readonly Endpoint[]
  readonly problems: readonly NameProblem[]
  /** The shell has to ask for its addresses. */
  readonly asked: boolean
}

/** The name is asked for by the shell, and only when it may be a destination. An address is its own. */
export function namedDestinations(named: Named, read: Reader, context: Context): NamedDestinations {
  const { name, subject } = named
  const denied = read.get(context.referenceSettings, '')?.externalNameDenied ?? []
  const by = denied.find((pattern) => isNamed(name, pattern))
  if (by !== undefined) {
    const message = `${subject} is denied by ${by} in external-name-denied`
    return { endpoints: [], problems: [{ reason: 'RefusedName', message }], asked: false }
  }
  const isAddress = parseAddress(name) !== undefined
  const resolution = isAddress ? { addresses: [name] } : read.get(context.resolutions, name)
  if (resolution === undefined) return { endpoints: [], problems: [], asked: true }
  return { ...judged(resolution, named, denied, context), asked: !isAddress }
}

/** `*.` stands for one label or more. */
function isNamed(name: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
}

function judged(
  { addresses, failure }: Resolution,
  named: Named,
  denied: readonly string[],
  context: Context,
): Omit<NamedDestinations, 'asked'> {
  const { subject, port, otherwise } = named
  const refusals: string[] = []
  const usable = addresses.filter((address) => {
    const refusal = refusalOf(address, named, denied, context)
    if (refusal === undefined) return isReachable(address, context)
    refusals.push(`address ${quoted(address)} of ${subject} ${refusal}`)
    return false
  })
  const unique = [...new Set(usable.map((address) => formatAddress(parseAddress(address) ?? [])))].sort(compareText)
  const problems: NameProblem[] = refusedMessages(refusals).map((message) => ({ reason: 'RefusedEndpoint', message }))
  for (const { reason, message } of unreachable(addresses.length, refusals.length, usable.length)) {
    problems.push({ reason, message: `${subject}: ${message}` })
  }
  if (failure !== undefined) {
    const effect = unique.length > 0 ? 'the addresses of the last good answer stay in use' : otherwise
    const message = `${subject} cannot be resolved since ${failure.since}: ${failure.reason}; ${effect}`
    problems.push({ reason: 'NameNotResolved', message })
  }
  return { endpoints: unique.map((address) => ({ address, port })), problems }
}

/** Whatever name leads to an address, it is the address that is connected to (DNS rebinding). */
function refusalOf(
  address: string,
  { port, front }: Named,
  denied: readonly string[],
  context: Context,
): string | undefined {
  const bytes = parseAddress(address) ?? []
  const by = denied.find((range) => isInRange(bytes, range))
  return by === undefined ? addressRefusal({ address, port }, context, front) : `is denied by ${by} in external-name-denied`
}
