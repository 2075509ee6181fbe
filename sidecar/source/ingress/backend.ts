/** The backend of a path: a Service port of the Ingress's own namespace. */
import type { Reader } from '../../collection/graph.ts'
import { isDnsLabel, isPortName, isPortNumber, quoted } from '../../ir/names.ts'
import type { BackendRef } from '../../ir/types.ts'
import { fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { backendProblem, type ReferenceProblem } from '../service/reference.ts'

export interface BackendReading {
  /** Absent: the path cannot be served at all. */
  readonly ref?: BackendRef
  readonly problem?: ReferenceProblem
}

/** A Service that is missing is a finding, not an absent route: the path answers 503 until it comes. */
export function readBackend(backend: unknown, namespace: string, read: Reader, context: Context): BackendReading {
  const parsed = parseRef(backend, namespace)
  if (typeof parsed === 'string') return { problem: { reason: 'InvalidBackend', message: parsed } }
  const problem = backendProblem(parsed, read, context)
  if (problem === undefined) return { ref: parsed }
  return { ref: parsed, problem: { ...problem, message: `${problem.message}; the path answers 503` } }
}

function parseRef(backend: unknown, namespace: string): BackendRef | string {
  const { service, resource, serviceName } = fields(backend)
  if (resource !== undefined) return 'backend.resource is not supported; name a Service in backend.service'
  if (service === undefined && serviceName !== undefined) {
    return 'backend.serviceName is the form of v1beta1; in v1 it is backend.service.name, with backend.service.port.number or .name'
  }
  const { name, port } = fields(service)
  if (typeof name !== 'string' || !isDnsLabel(name)) return `backend.service.name must be the name of a Service, not ${quoted(name)}`
  const { number, name: portName } = fields(port)
  if (isPortNumber(number)) return { namespace, service: name, port: String(number) }
  if (typeof portName === 'string' && isPortName(portName)) return { namespace, service: name, port: portName }
  return `backend.service.port must have a number from 1 to 65535 or a port name, not ${quoted(port)}`
}
