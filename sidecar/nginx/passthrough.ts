/** TLS passthrough: who listens on the TLS port, and which names go where. */
import { backendName } from '../ir/backend-name.ts'
import type { Settings } from '../ir/settings.ts'
import type { Layer4 } from '../ir/types.ts'
import { hostKey, keyword, labelCount, labelsPattern, mapLine, number } from '../syntax/directive.ts'
import { hashName } from '../util/canonical.ts'
import type { Capabilities, NginxInput } from './input.ts'

/** Where TLS that ends here comes in behind the front. */
export const HTTPS_SOCKET = 'https.sock'

/**
 * `front`: layer 4 listens on the TLS port and looks at the name in each ClientHello. `ready`: the sockets
 * behind it are there, and HTTP has the port: a connection that an old worker accepts on either side of a
 * reload finds its way.
 */
export type PassthroughMode = 'off' | 'ready' | 'front'

/** As flags, objects and the running NGINX allow. */
export function passthroughMode({ listeners, layer4, settings, capabilities }: NginxInput): PassthroughMode {
  if (listeners.sslPassthrough !== true || !capabilities.stream) return 'off'
  const isWanted = layer4 !== undefined && layer4.passthrough.length > 0
  return isWanted && keepsAddresses(settings, capabilities) ? 'front' : 'ready'
}

/** The address that a load balancer tells by PROXY protocol gets through the front. */
export function keepsAddresses(settings: Settings, capabilities: Capabilities): boolean {
  return !settings.useProxyProtocol || settings.proxyRealIpCidr.length === 0 || capabilities.stream_realip
}

/** Name of the `upstream` of a backend of passthrough. */
export function upstreamName({ backend }: Layer4['passthrough'][number]): string {
  return `tls_${hashName(backendName(backend))}`
}

/**
 * Lines of the two maps from a name to the upstream that gets its TLS. A wildcard of NGINX stands for any
 * number of labels, ours for one: so the number of labels is part of what is looked up.
 */
export function nameMaps(hosts: Layer4['passthrough']): { readonly labels: readonly string[]; readonly names: readonly string[] } {
  const counts = [...new Set(hosts.map(({ host }) => labelCount(host)))].sort((left, right) => left - right)
  return {
    labels: counts.map((count) => mapLine(labelsPattern(count), number(count, 1, 127))),
    names: hosts.flatMap((it) => [
      mapLine(hostKey(it.host), keyword(upstreamName(it))),
      ...(it.except ?? []).map((host) => mapLine(hostKey(host), keyword('nowhere'))),
    ]),
  }
}
