/** A Service of type ExternalName -> the addresses that DNS gives for its name. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { externalName } from '../../ir/external-name.ts'
import { quoted } from '../../ir/names.ts'
import { fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { ownAddresses, serviceFinding, type Destinations } from './destination.ts'
import { namedDestinations } from './named.ts'

const FIELD = 'spec.externalName'
const OTHERWISE = 'its paths answer 503'

/** None, where the name may be no destination. */
export function externalDestinations(service: KubeObject, port: number, read: Reader, context: Context): Destinations {
  const refused = (reason: string, message: string): Destinations => ({
    endpoints: [],
    findings: [serviceFinding(service, { field: FIELD, reason, message: `${message}; ${OTHERWISE}` })],
  })
  if (context.options.disableExternalNames) {
    return refused('ExternalNameDisabled', 'Services of type ExternalName are not served: --disable-svc-external-name')
  }
  const written = fields(service.spec).externalName
  const parsed = externalName(written)
  if ('problem' in parsed) return refused('InvalidExternalName', `externalName ${quoted(written)} ${parsed.problem}`)
  const { name } = parsed
  const named = { name, port, subject: `externalName ${name}`, otherwise: OTHERWISE, front: ownAddresses(read, context) }
  const { endpoints, problems, asked } = namedDestinations(named, read, context)
  const [first] = problems
  if (first?.reason === 'RefusedName') return refused('RefusedExternalName', first.message)
  const findings = problems.map((problem) => serviceFinding(service, { field: FIELD, ...problem }))
  return { endpoints, findings, ...(asked ? { externalName: name } : {}) }
}
