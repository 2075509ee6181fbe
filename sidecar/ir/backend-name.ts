/** A backend as one text: the end of its record's key, and its key in collections. */
import type { BackendRef } from './types.ts'

/** What else a reference can say, behind the port: no port and no port name holds an `@`. */
const UDP = '@udp'
const SERVICE = '@service'

/** `namespace/service/port`, with `@udp` or `@service` behind it for a port of UDP or the Service's own address. */
export function backendName({ namespace, service, port, protocol, via }: BackendRef): string {
  return `${namespace}/${service}/${port}${protocol === 'UDP' ? UDP : ''}${via === 'service' ? SERVICE : ''}`
}

/** What `backendName` was made of. */
export function parseBackendName(name: string): BackendRef {
  const [namespace = '', service = '', end = ''] = name.split('/')
  const [port = '', ...rest] = end.split('@')
  return {
    namespace,
    service,
    port,
    ...(rest.includes('udp') ? { protocol: 'UDP' as const } : {}),
    ...(rest.includes('service') ? { via: 'service' as const } : {}),
  }
}
