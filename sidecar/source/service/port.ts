/** The ports of a Service as referrers name them. */
import type { KubeObject } from '../../collection/objects.ts'
import { isPortNumber } from '../../ir/names.ts'
import { fields, items, text } from '../../util/field.ts'

type Protocol = 'TCP' | 'UDP'

export interface ServicePort {
  /** '' for the only, unnamed port. EndpointSlices carry their ports under this name. */
  readonly name: string
  readonly protocol: Protocol
  /** Of the Service's own addresses. */
  readonly number: number
  /** Of what is behind it, where that is a number. */
  readonly target?: number
}

/** A Service that stands for a DNS name. */
export function isExternalName(service: KubeObject): boolean {
  return fields(service.spec).type === 'ExternalName'
}

/**
 * The port of a Service that a referrer means by number or by name. A Service of type ExternalName need
 * not declare any: then a number is the port itself (ingress-nginx).
 */
export function findServicePort(service: KubeObject, port: string, wanted: Protocol = 'TCP'): ServicePort | undefined {
  const declared = items(fields(service.spec).ports).map(fields).find(({ name, port: number, protocol = 'TCP' }) =>
    protocol === wanted && (String(number) === port || (name !== undefined && name === port)))
  if (declared !== undefined) {
    const { name, port: number, targetPort } = declared
    const target = isPortNumber(targetPort) ? { target: targetPort } : {}
    return { name: text(name), protocol: wanted, number: isPortNumber(number) ? number : 0, ...target }
  }
  const isNumber = isExternalName(service) && isPortNumber(Number(port))
  return isNumber ? { name: '', protocol: wanted, number: Number(port) } : undefined
}
