/** A backend as one text: the end of its record's key, and its key in collections. */
import type { BackendRef } from './types.ts'

/** No port and no port name holds an `@`. */
const UDP = '@udp'

/** `namespace/service/port`, with `@udp` behind it where it is a port of that protocol. */
export function backendName({ namespace, service, port, protocol }: BackendRef): string {
  return `${namespace}/${service}/${port}${protocol === 'UDP' ? UDP : ''}`
}

/** What `backendName` was made of. */
export function parseBackendName(name: string): BackendRef {
  const [namespace = '', service = '', port = ''] = name.split('/')
  if (!port.endsWith(UDP)) return { namespace, service, port }
  return { namespace, service, port: port.slice(0, -UDP.length), protocol: 'UDP' }
}
