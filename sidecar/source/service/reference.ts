/** What is wrong with a reference to a Service port that is well formed. */
import type { Reader } from '../../collection/graph.ts'
import { quoted } from '../../ir/names.ts'
import type { BackendRef } from '../../ir/types.ts'
import type { Context } from '../context.ts'
import { findServicePort } from './port.ts'

export interface ReferenceProblem {
  readonly reason: string
  readonly message: string
}

/** Undefined: there is such a Service, and such a port of it. */
export function backendProblem(ref: BackendRef, read: Reader, context: Context): ReferenceProblem | undefined {
  const { namespace, service: name, port, protocol } = ref
  const service = read.get(context.services, `${namespace}/${name}`)
  if (service === undefined) {
    return { reason: 'ServiceNotFound', message: `Service ${quoted(name)} does not exist in namespace ${namespace}` }
  }
  if (findServicePort(service, port, protocol) !== undefined) return undefined
  const message = `Service ${quoted(name)} has no ${protocol ?? 'TCP'} port ${quoted(port)}`
  return { reason: 'ServicePortNotFound', message }
}
