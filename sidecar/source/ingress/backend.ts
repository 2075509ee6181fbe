/** The backend of a path: a Service port of the Ingress's own namespace. */
import type { Reader } from '../../collection/graph.ts'
import { isDnsLabel, isPortName, isPortNumber, quoted } from '../../ir/names.ts'
import type { BackendRef } from '../../ir/types.ts'
import { fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { findServicePort } from '../service/port.ts'

export interface BackendReading {
  /** Absent: the path cannot be served at all. */
  readonly ref?: BackendRef
  readonly problem?: { readonly reason: string; readonly message: string }
}

/** A Service that is missing is a finding, not an absent route: the path answers 503 until it comes. */
export function readBackend(backend: unknown, namespace: string, read: Reader, context: Context): BackendReading {
  const parsed = parseRef(backend, namespace)
  if (typeof parsed === 'string') return { problem: { reason: 'InvalidBackend', message: parsed } }
  return readReference(parsed, 'the path answers 503', read, context)
}

/** Is there such a Service port? `effect`: what happens while there is none. */
export function readReference(ref: BackendRef, effect: string, read: Reader, context: Context): BackendReading {
  const { namespace, service: name, port } = ref
  const service = read.get(context.services, `${namespace}/${name}`)
  if (service === undefined) {
    const message = `Service ${quoted(name)} does not exist in namespace ${namespace}; ${effect}`
    return { ref, problem: { reason: 'ServiceNotFound', message } }
  }
  if (findServicePort(service, port) === undefined) {
    const message = `Service ${quoted(name)} has no TCP port ${quoted(port)}; ${effect}`
    return { ref, problem: { reason: 'ServicePortNotFound', message } }
  }
  return { ref }
}

function parseRef(backend: unknown, namespace: string): BackendRef | string {
  const { service, resource } = fields(backend)
  if (resource !== undefined) return 'backend.resource is not supported; name a Service in backend.service'
  const { name, port } = fields(service)
  if (typeof name !== 'string' || !isDnsLabel(name)) return `backend.service.name ${quoted(name)} is not a DNS label`
  const { number, name: portName } = fields(port)
  if (isPortNumber(number)) return { namespace, service: name, port: String(number) }
  if (typeof portName === 'string' && isPortName(portName)) return { namespace, service: name, port: portName }
  return `backend.service.port ${quoted(port)} must have a number from 1 to 65535 or a port name`
}
