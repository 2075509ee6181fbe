/** A Service of type ExternalName -> the addresses that DNS gives for its name. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { formatAddress, isInRange, parseAddress } from '../../ir/address.ts'
import { externalName } from '../../ir/external-name.ts'
import { quoted } from '../../ir/names.ts'
import type { Resolution } from '../../ir/types.ts'
import { compareText } from '../../util/canonical.ts'
import { fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { addressRefusal, isReachable, ownAddresses, refusedEndpoints, serviceFinding, type Destinations } from './destination.ts'

const FIELD = 'spec.externalName'

/** What the judgement of a name and its addresses needs. */
interface Work {
  readonly service: KubeObject
  readonly port: number
  readonly denied: readonly string[]
  readonly own: ReadonlySet<string>
  readonly context: Context
}

/** The name is asked for by the shell, and only when it may be a destination. */
export function externalDestinations(service: KubeObject, port: number, read: Reader, context: Context): Destinations {
  const refused = (reason: string, message: string): Destinations => ({
    endpoints: [],
    findings: [serviceFinding(service, { field: FIELD, reason, message: `${message}; its paths answer 503` })],
  })
  if (context.options.disableExternalNames) {
    return refused('ExternalNameDisabled', 'Services of type ExternalName are not served: --disable-svc-external-name')
  }
  const written = fields(service.spec).externalName
  const parsed = externalName(written)
  if ('problem' in parsed) return refused('InvalidExternalName', `externalName ${quoted(written)} ${parsed.problem}`)
  const { name } = parsed
  const denied = read.get(context.destinationSettings, '')?.externalNameDenied ?? []
  const by = denied.find((pattern) => isNamed(name, pattern))
  if (by !== undefined) return refused('RefusedExternalName', `externalName ${name} is denied by ${by} in external-name-denied`)
  const resolution = read.get(context.resolutions, name)
  const work = { service, port, denied, own: ownAddresses(read, context), context }
  const unknown = { endpoints: [], findings: [] }
  return { externalName: name, ...(resolution === undefined ? unknown : judged(name, resolution, work)) }
}

/** `*.` stands for one label or more. */
function isNamed(name: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
}

function judged(name: string, { addresses, failure }: Resolution, work: Work): Destinations {
  const refusals: string[] = []
  const usable = addresses.filter((address) => isAllowed(name, address, work, refusals))
  const findings = [...refusedEndpoints(work.service, FIELD, refusals)]
  const unique = [...new Set(usable.map((address) => formatAddress(parseAddress(address) ?? [])))].sort(compareText)
  if (failure !== undefined) {
    const effect = unique.length > 0 ? 'the addresses of the last good answer stay in use' : 'its paths answer 503'
    const message = `externalName ${name} cannot be resolved since ${failure.since}: ${failure.reason}; ${effect}`
    findings.push(serviceFinding(work.service, { field: FIELD, reason: 'NameNotResolved', message }))
  }
  return { endpoints: unique.map((address) => ({ address, port: work.port })), findings }
}

/** Whatever name leads to an address, it is the address that is connected to (DNS rebinding). */
function isAllowed(name: string, address: string, work: Work, refusals: string[]): boolean {
  const { port, denied, own, context } = work
  const bytes = parseAddress(address) ?? []
  const by = denied.find((range) => isInRange(bytes, range))
  const refusal = by === undefined ? addressRefusal({ address, port }, context, own) : `is denied by ${by} in external-name-denied`
  if (refusal === undefined) return isReachable(address, context)
  refusals.push(`address ${quoted(address)} of externalName ${name} ${refusal}`)
  return false
}
