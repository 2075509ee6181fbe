import type { KubeObject } from '../../collection/objects.ts'
import { fields, items, text } from '../../util/field.ts'

export interface ServicePort {
  /** '' for the only, unnamed port. EndpointSlices carry their ports under this name. */
  readonly name: string
}

/** The TCP port of a Service that a referrer means by number or by name. */
export function findServicePort(service: KubeObject, port: string): ServicePort | undefined {
  for (const entry of items(fields(service.spec).ports)) {
    const { name, port: number, protocol } = fields(entry)
    if (protocol !== undefined && protocol !== 'TCP') continue
    if (String(number) === port || (name !== undefined && name === port)) return { name: text(name) }
  }
  return undefined
}
