/** What the running NGINX cannot do of layer 4. */
import type { Finding, ObjectRef, Origin } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type { Layer4 } from '../ir/types.ts'
import type { Capabilities } from '../nginx/input.ts'
import { keepsAddresses } from '../nginx/passthrough.ts'

export interface Layer4Use {
  readonly layer4: Layer4
  readonly settings: Settings
  readonly capabilities: Capabilities
  /** By port: why NGINX cannot listen there. */
  readonly busyPorts: ReadonlyMap<number, string>
  /** Ours. */
  readonly pod: Pick<ObjectRef, 'namespace' | 'name'>
}

/** In the order of the ports and hosts. */
export function layer4Findings({ layer4, settings, capabilities, busyPorts, pod }: Layer4Use): Finding[] {
  const { ports, passthrough } = layer4
  if (ports.length + passthrough.length === 0) return []
  if (!capabilities.stream) return [...ports, ...passthrough].map(({ origin }) => unserved(origin))
  const busy = ports.flatMap(({ port, protocol, origin }) => {
    const reason = busyPorts.get(port)
    const message = `NGINX cannot listen on ${protocol} port ${port}: ${reason}`
    return reason === undefined ? [] : [error(origin, 'PortUnavailable', message)]
  })
  const ended = keepsAddresses(settings, capabilities) ? [] : passthrough
  const reloads = capabilities.stream_lua ? [] : [reloading(pod)]
  return [...busy, ...ended.map(({ origin, host }) => ending(origin, host)), ...reloads]
}

function error(origin: Origin, reason: string, message: string): Finding {
  return { origin, severity: 'error', reason, message }
}

function unserved(origin: Origin): Finding {
  return error(origin, 'NoLayer4', 'this is not served: NGINX has no stream module (Debian: libnginx-mod-stream)')
}

function ending(origin: Origin, host: string): Finding {
  const why = 'NGINX has no realip module for layer 4, without which the addresses of use-proxy-protocol would be lost'
  return error(origin, 'PassthroughRefused', `TLS of host ${host} ends here: ${why}`)
}

function reloading(pod: Layer4Use['pod']): Finding {
  const message = 'endpoints of TCP, UDP and TLS passthrough need reloads with this NGINX, since it has no stream-lua'
  return { origin: { kind: 'Pod', ...pod, field: '' }, severity: 'warning', reason: 'Layer4Reloads', message }
}
