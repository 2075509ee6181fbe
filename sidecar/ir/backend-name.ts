/** A backend as one text: the end of its record's key, and its key in collections. */
import type { BackendRef } from './types.ts'

/** What else a reference can say, behind the port: no port and no port name holds an `@`. */
const UDP = '@udp'
const WAYS = { service: '@service', name: '@name' } as const

/**
 * `namespace/service/port`, with `@udp` behind it for a port of UDP, `@service` for the Service's own address, and
 * `@name` where a DNS name or an IP address stands in place of the Service.
 */
export function backendName({ namespace, service, port, protocol, via }: BackendRef): string {
  return `${namespace}/${service}/${port}${protocol === 'UDP' ? UDP : ''}${via === undefined ? '' : WAYS[via]}`
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
    ...(rest.includes('name') ? { via: 'name' as const } : {}),
  }
}
