/** Layer 4 -> what the `stream` block is rendered from. */
import type { Settings } from '../ir/settings.ts'
import type { Endpoint, Layer4, StreamRoute } from '../ir/types.ts'
import { cidr, directive, keyword, number, onOff, print, socket, time, type Directive } from './directive.ts'
import type { Capabilities, Listeners, NginxInput } from './input.ts'
import { listenAddresses } from './lines.ts'

export interface StreamView {
  /** Endpoints are records; else `upstreams` have them. */
  readonly lua: boolean
  readonly tries: number
  readonly lines: readonly string[]
  readonly upstreams: readonly { readonly name: string; readonly servers: readonly string[] }[]
  readonly servers: readonly { readonly lines: readonly string[]; readonly key?: string }[]
}

const LUA_UPSTREAM = 'stream_balancer'

/** Undefined: there is nothing to listen on, or no module for it. */
export function streamView(input: NginxInput): StreamView | undefined {
  const { layer4, capabilities, settings } = input
  if (!capabilities.stream || layer4 === undefined || layer4.ports.length === 0) return undefined
  const lua = capabilities.stream_lua
  return {
    lua,
    tries: settings.streamNextUpstreamTries,
    lines: streamLines(settings, lua).map(print),
    upstreams: lua ? [] : layer4.ports.map((port) => ({ name: nameOf(port), servers: serverLines(port.endpoints) })),
    servers: layer4.ports.map((port) => ({
      lines: portLines(port, input).map(print),
      ...(lua ? { key: `stream/${port.protocol.toLowerCase()}/${port.port}` } : {}),
    })),
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
    // Who has said everything may still listen.
    directive('proxy_half_close', onOff(true)),
  ]
}

function nameOf({ protocol, port }: StreamRoute): string {
  return `${protocol.toLowerCase()}_${port}`
}

/** What drains gets nothing new. NGINX wants a server at least: one that is down closes connections at once. */
function serverLines(endpoints: readonly Endpoint[]): string[] {
  const usable = endpoints.filter(({ draining }) => draining !== true)
  const lines = usable.map(({ address, port, priority }) =>
    directive('server', socket(address, port), ...(priority === 1 ? [keyword('backup')] : [])))
  return (lines.length > 0 ? lines : [directive('server', socket('0.0.0.1', 1), keyword('down'))]).map(print)
}

function portLines(route: StreamRoute, { listeners, capabilities, settings }: NginxInput): readonly Directive[] {
  const target = capabilities.stream_lua ? LUA_UPSTREAM : nameOf(route)
  const pass = directive('proxy_pass', keyword(target))
  const addresses = listenAddresses(listeners, capabilities)
  if (route.protocol === 'UDP') {
    // One socket for each worker: the datagrams of a client come to the worker that knows its session.
    const listen = addresses.map((it) => directive('listen', socket(it, route.port), keyword('udp'), keyword('reuseport')))
    return [...listen, directive('proxy_responses', number(settings.streamResponses, 0, 1_000_000)), pass]
  }
  const accept = route.acceptProxyProtocol ? [keyword('proxy_protocol')] : []
  const send = route.sendProxyProtocol ? [directive('proxy_protocol', onOff(true))] : []
  const listen = addresses.map((it) => directive('listen', socket(it, route.port), keyword('backlog=4096'), ...accept))
  return [...listen, ...send, pass]
}
