/** The `server` blocks of HTTP: where each listens, and whom it believes what the address of a client is. */
import type { Settings } from '../ir/settings.ts'
import { cidr, directive, headerName, keyword, onOff, print, socket, unixSocket, type Argument, type Directive } from '../syntax/directive.ts'
import type { NginxInput } from './input.ts'
import { HTTPS_SOCKET, passthroughMode } from './passthrough.ts'
import { furtherHeaders, type Arrival, type Forwarding } from './proxy-headers.ts'

export interface ServerView {
  readonly lines: readonly string[]
}

/** The addresses that every port is listened on: those of the flag, else of the ConfigMap, else all. */
export function listenAddresses({ listeners, capabilities, settings }: NginxInput): readonly string[] {
  const named = listeners.addresses.length > 0 ? listeners.addresses : settings.bindAddress
  const asked = named.length > 0 ? named : ['0.0.0.0', ...(capabilities.ipv6 ? ['::'] : [])]
  const usable = settings.disableIpv6 ? asked.filter((address) => !address.includes(':')) : asked
  // With nothing left there would be no port at all.
  return usable.length > 0 ? usable : asked
}

/**
 * One for both ports. With TLS passthrough another one for the TLS that ends here all the same: it comes
 * through a socket, and the address of the client in a PROXY header of our own.
 */
export function serverViews(input: NginxInput): readonly ServerView[] {
  const { listeners, settings, capabilities } = input
  const mode = passthroughMode(input)
  const proxied = settings.useProxyProtocol ? [keyword('proxy_protocol')] : []
  const tls = [keyword('ssl'), ...(settings.useHttp2 && !capabilities.http2_directive ? [keyword('http2')] : [])]
  const direct = listenAddresses(input).flatMap((address) => [
    listen(socket(address, listeners.httpPort), ...proxied),
    ...(mode === 'front' ? [] : [listen(socket(address, listeners.httpsPort), ...tls, ...proxied)]),
  ])
  if (mode === 'off') return [{ lines: direct.map(print) }]
  const inner = [
    listen(unixSocket(HTTPS_SOCKET), ...tls, keyword('proxy_protocol')),
    directive('real_ip_header', keyword('proxy_protocol')),
    directive('set_real_ip_from', keyword('unix:')),
  ]
  return [direct, inner].map((lines) => ({ lines: lines.map(print) }))
}

function listen(where: Argument, ...options: readonly Argument[]): Directive {
  return directive('listen', where, keyword('default_server'), keyword('backlog=4096'), ...options)
}

/** In `http`: proxies of others. What PROXY protocol says goes before headers. */
export function realIpLines(settings: Settings): readonly Directive[] {
  const { useForwardedHeaders, useProxyProtocol, enableRealIp, forwardedForHeader } = settings
  if (!useForwardedHeaders && !useProxyProtocol && !enableRealIp) return []
  return [
    directive('real_ip_header', useProxyProtocol ? keyword('proxy_protocol') : headerName(forwardedForHeader)),
    directive('real_ip_recursive', onOff(true)),
    ...settings.proxyRealIpCidr.map((range) => directive('set_real_ip_from', cidr(range))),
  ]
}

/** Whose forwarded headers count: by default nobody's, as in ingress-nginx without use-forwarded-headers. */
export function forwarding(input: NginxInput): Forwarding {
  const { settings } = input
  const arrival = arrivalOf(input)
  const common = {
    ...arrival,
    peer_addr: peerVariable(settings, arrival.behind_front),
    further_headers: furtherHeaders(settings),
  }
  if (!settings.useForwardedHeaders) {
    return {
      ...common,
      forwarded_for: '$remote_addr',
      forwarded_host: '$http_host',
      forwarded_port: common.client_port,
      forwarded_scheme: common.client_scheme,
    }
  }
  return {
    ...common,
    forwarded_for: settings.computeFullForwardedFor ? '$full_forwarded_for' : '$remote_addr',
    forwarded_host: '$pass_host',
    forwarded_port: '$pass_port',
    forwarded_scheme: '$pass_access_scheme',
  }
}

/** Where clients came to: our own port and scheme, or those that a trusted load balancer tells by PROXY protocol. */
function arrivalOf(input: NginxInput): Arrival {
  const { settings, listeners: { httpsPort, knownHttpsPort = httpsPort } } = input
  const behindFront = passthroughMode(input) !== 'off'
  const mapsPorts = behindFront || knownHttpsPort !== httpsPort
  const trusts = settings.useProxyProtocol && settings.proxyRealIpCidr.length > 0
  const port = mapsPorts ? '$known_port' : '$server_port'
  return {
    behind_front: behindFront,
    maps_ports: mapsPorts,
    https_port: httpsPort,
    known_https_port: knownHttpsPort,
    trust_balancer: trusts,
    listener_port: port,
    client_port: trusts ? '$client_port' : port,
    client_scheme: trusts ? '$client_scheme' : '$scheme',
  }
}

/** What realip saw first, unless that only spoke PROXY protocol for the one who is meant. */
function peerVariable(settings: Settings, behindFront: boolean): string {
  if (settings.useProxyProtocol) return '$remote_addr'
  return behindFront ? '$peer_addr' : '$realip_remote_addr'
}
