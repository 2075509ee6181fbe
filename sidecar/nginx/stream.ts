/** Layer 4 -> what the `stream` block is rendered from. */
import { portKey } from '../ir/names.ts'
import type { Settings } from '../ir/settings.ts'
import type { Endpoint, Layer4, StreamRoute } from '../ir/types.ts'
import { cidr, directive, keyword, logFormat, number, onOff, print, socket, time, type Directive } from '../syntax/directive.ts'
import type { NginxInput } from './input.ts'
import { nameMaps, passthroughMode, upstreamName } from './passthrough.ts'
import { listenAddresses } from './servers.ts'

interface Block {
  readonly name: string
  readonly lines: readonly string[]
}

interface Server {
  readonly lines: readonly string[]
  /** Of its record. */
  readonly key: string
  /** Where endpoints are no records. */
  readonly upstream: string
}

export interface StreamView {
  /** Endpoints are records; else `upstreams` have them. */
  readonly lua: boolean
  readonly tries: number
  /** Seconds. */
  readonly connect_timeout: number
  readonly lines: readonly string[]
  readonly port_log: string | undefined
  readonly upstreams: readonly Block[]
  readonly servers: readonly Server[]
  /** With TLS passthrough. */
  readonly tls?: {
    readonly maps?: ReturnType<typeof nameMaps>
    /** Absent: nobody passes TLS on now. */
    readonly front?: { readonly lines: readonly string[] }
  }
}

const BACKLOG = keyword('backlog=4096')

/** Undefined: there is nothing to listen on, or no module for it. */
export function streamView(input: NginxInput): StreamView | undefined {
  const { layer4 = { ports: [], passthrough: [] }, capabilities, settings } = input
  const mode = passthroughMode(input)
  if (!capabilities.stream || (layer4.ports.length === 0 && mode === 'off')) return undefined
  const lua = capabilities.stream_lua
  const passthrough = mode === 'front' ? layer4.passthrough : []
  return {
    lua,
    tries: settings.streamNextUpstreamTries,
    connect_timeout: settings.proxyConnectTimeout,
    lines: streamLines(settings, lua).map(print),
    port_log: portLogFormat(input),
    upstreams: lua ? [] : [...layer4.ports.map(portUpstream), ...passthroughUpstreams(passthrough)],
    servers: layer4.ports.map((port) => ({
      lines: [...portLines(port, input), ...portLog(input)].map(print),
      key: `stream/${portKey(port)}`,
      upstream: nameOf(port),
    })),
    ...(mode === 'off' ? {} : {
      tls: {
        ...(lua ? {} : { maps: nameMaps(passthrough) }),
        ...(mode === 'front' ? { front: { lines: frontLines(input).map(print) } } : {}),
      },
    }),
  }
}

/** With Lua the balancer counts the tries. */
function streamLines(settings: Settings, lua: boolean): readonly Directive[] {
  const { streamNextUpstream, streamNextUpstreamTimeout, streamNextUpstreamTries } = settings
  return [
    directive('proxy_connect_timeout', time(settings.proxyConnectTimeout)),
    directive('proxy_timeout', time(settings.streamTimeout)),
    directive('proxy_next_upstream', onOff(streamNextUpstream)),
    directive('proxy_next_upstream_timeout', time(streamNextUpstreamTimeout)),
    directive('proxy_next_upstream_tries', number(lua ? 0 : streamNextUpstreamTries, 0, 1000)),
    directive('preread_timeout', time(settings.clientHeaderTimeout)),
    directive('proxy_protocol_timeout', time(settings.proxyProtocolHeaderTimeout)),
    // Who has said everything may still listen.
    directive('proxy_half_close', onOff(true)),
  ]
}

function nameOf({ protocol, port }: StreamRoute): string {
  return `${protocol.toLowerCase()}_${port}`
}

function portUpstream(port: Layer4['ports'][number]): Block {
  return { name: nameOf(port), lines: endpointLines(port.endpoints) }
}

/** Several hosts may lead to one backend. */
function passthroughUpstreams(hosts: Layer4['passthrough']): Block[] {
  const byName = new Map(hosts.map((it) => [upstreamName(it), it.endpoints]))
  return [...byName].map(([name, endpoints]) => ({ name, lines: endpointLines(endpoints) }))
}

/** What drains gets nothing new. NGINX wants a server at least: one that is down closes connections at once. */
function endpointLines(endpoints: readonly Endpoint[]): string[] {
  const usable = endpoints.filter(({ draining }) => draining !== true)
  const lines = usable.map(({ address, port, priority }) =>
    directive('server', socket(address, port), ...(priority === 1 ? [keyword('backup')] : [])))
  return (lines.length > 0 ? lines : [directive('server', socket('0.0.0.1', 1), keyword('down'))]).map(print)
}

function isLogged({ settings, layer4 }: NginxInput): boolean {
  const hasPorts = layer4 !== undefined && layer4.ports.length > 0
  return hasPorts && !settings.disableAccessLog && !settings.disableStreamAccessLog
}

function portLogFormat(input: NginxInput): string | undefined {
  if (!isLogged(input)) return undefined
  return print(directive('log_format', keyword('stream'), ...logFormat(input.settings.logFormatStream)))
}

/** Of ports alone: whatever comes through the TLS port is HTTP with a log of its own, or another's to log. */
function portLog(input: NginxInput): readonly Directive[] {
  return isLogged(input) ? [directive('access_log', keyword('access.log'), keyword('stream'))] : []
}

function portLines(route: StreamRoute, input: NginxInput): readonly Directive[] {
  const addresses = listenAddresses(input)
  if (route.protocol === 'UDP') {
    // One socket for each worker: the datagrams of a client come to the worker that knows its session.
    const listen = addresses.map((it) => directive('listen', socket(it, route.port), keyword('udp'), keyword('reuseport')))
    return [...listen, directive('proxy_responses', number(input.settings.streamResponses, 0, 1_000_000))]
  }
  const { accept, lines } = proxyProtocol(route, input)
  const options = accept ? [keyword('proxy_protocol')] : []
  return [...addresses.map((it) => directive('listen', socket(it, route.port), BACKLOG, ...options)), ...lines]
}

interface ProxyProtocol {
  readonly accept: boolean
  readonly lines: readonly Directive[]
}

/**
 * A header that comes in and one that goes out name the same client where the realip module is there. Where
 * it is not, the header goes through as it is, from trusted addresses only: others may not connect.
 */
function proxyProtocol(route: StreamRoute, { settings, capabilities }: NginxInput): ProxyProtocol {
  const { acceptProxyProtocol: accept, sendProxyProtocol: send } = route
  const trusted = settings.proxyRealIpCidr
  const goesThrough = accept && send && trusted.length > 0 && !capabilities.stream_realip
  if (goesThrough) {
    return { accept: false, lines: [...trusted.map((range) => directive('allow', cidr(range))), directive('deny', keyword('all'))] }
  }
  const realIp = accept && capabilities.stream_realip ? trusted.map((range) => directive('set_real_ip_from', cidr(range))) : []
  return { accept, lines: [...realIp, ...(send ? [directive('proxy_protocol', onOff(true))] : [])] }
}

function frontLines(input: NginxInput): readonly Directive[] {
  const { listeners, settings, capabilities } = input
  const options = settings.useProxyProtocol ? [BACKLOG, keyword('proxy_protocol')] : [BACKLOG]
  const listen = listenAddresses(input).map((it) => directive('listen', socket(it, listeners.httpsPort), ...options))
  if (!settings.useProxyProtocol || !capabilities.stream_realip) return listen
  return [...listen, ...settings.proxyRealIpCidr.map((range) => directive('set_real_ip_from', cidr(range)))]
}
