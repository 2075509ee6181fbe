/** How each location class speaks to its backends: connections, headers, and what sends a request there. */
import type { Settings } from '../ir/settings.ts'
import { isTls, type BackendProtocol } from '../policy/backend-protocol.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import type { AuthConnections } from '../policy/external-auth-connections.ts'
import { directive, headerName, keyword, number, print, time, type Directive } from '../syntax/directive.ts'
import { compareText } from '../util/canonical.ts'
import { answerHeaderLines } from './answers.ts'
import { fastcgiLines } from './fastcgi.ts'
import { proxyLines, upstreamLines } from './lines.ts'
import { headerView, isHttp, linesOf, passDirective, upstreamNames, type HeaderView, type OtherProtocol } from './protocols.ts'
import { proxyHeaders, type Forwarding } from './proxy-headers.ts'

export interface UpstreamView {
  readonly name: string
  readonly lines: readonly string[]
}

/** What the template says of one class. */
export interface BackendView {
  readonly name: string
  readonly lines: readonly string[]
  /** Undefined: those of the server. */
  readonly headers: HeaderView | undefined
  readonly pass: string
}

/** The connections that only requests of this class use. FastCGI programs end each by themselves. */
export function upstreamViews({ name, protocol }: LocationClass, settings: Settings): readonly UpstreamView[] {
  if (protocol === undefined) return []
  const lines = protocol === 'FCGI' ? [] : upstreamLines(settings).map(print)
  return upstreamNames(name, protocol).map((upstream) => ({ name: upstream, lines }))
}

/** Those that questions of external authentication use, once for all classes. */
export function authPoolViews(classes: readonly LocationClass[], settings: Settings): readonly UpstreamView[] {
  const named = classes.flatMap(({ authConnections: pool }) => (pool === undefined ? [] : [[pool.name, pool] as const]))
  const sorted = [...new Map(named)].sort(([left], [right]) => compareText(left, right))
  const most = fairShare(settings, sorted.length)
  return sorted.map(([name, pool]) => ({ name, lines: authPoolLines(pool, most).map(print) }))
}

/**
 * Idle connections of one of so many pools: all together hold an eighth of those of a worker, whatever authors ask for.
 * NGINX makes room for each of them when it starts.
 */
function fairShare({ maxWorkerConnections }: Settings, pools: number): number {
  return Math.max(1, Math.floor(maxWorkerConnections / 8 / pools))
}

/** Without the directive NGINX keeps some since 1.29.7, and before it took no 0. */
function authPoolLines({ keep, requests, timeout }: AuthConnections, most: number): readonly Directive[] {
  if (keep === 0) return [directive('keepalive', number(1, 1, 1)), directive('keepalive_requests', number(1, 1, 1))]
  return [
    directive('keepalive', number(Math.min(keep, most), 1, 65_536)),
    directive('keepalive_requests', number(requests, 1, 100_000_000)),
    directive('keepalive_timeout', time(timeout)),
  ]
}

/** The lines of a class, in the words of its protocol. */
export function backendView(
  { name, directives, own, protocol }: LocationClass, settings: Settings, forwarded: Forwarding,
): BackendView {
  const pass = protocol === undefined ? 'proxy_pass http://ingress_balancer;' : print(passDirective(name, protocol))
  const headers = headerView(protocol, proxyHeaders(forwarded, own))
  const all = [...versionLines(directives, protocol), ...directives]
  if (isHttp(protocol)) {
    return { name, lines: all.map(print), headers: own === undefined ? undefined : headers, pass }
  }
  const lines = linesOf(protocol, all, inheritedLines(protocol, settings)).map(print)
  return { name, lines, headers, pass }
}

/** NGINX of old would not speak TLS 1.3, and speak what is too old. */
function versionLines(directives: readonly Directive[], protocol: BackendProtocol | undefined): readonly Directive[] {
  const name = 'proxy_ssl_protocols'
  if (!isTls(protocol) || directives.some((it) => it.name === name)) return []
  return [directive(name, keyword('TLSv1.2'), keyword('TLSv1.3'))]
}

/** As the skeleton says it of HTTP. */
function inheritedLines(protocol: OtherProtocol, settings: Settings): readonly Directive[] {
  const bufferSize = protocol === 'FCGI' ? 0 : settings.grpcBufferSize
  return [
    ...(protocol === 'FCGI' ? fastcgiLines() : []),
    ...proxyLines(bufferSize === 0 ? settings : { ...settings, proxyBufferSize: bufferSize }),
    ...answerHeaderLines(settings),
    ...(settings.hsts ? [directive('proxy_hide_header', headerName('Strict-Transport-Security'))] : []),
    directive('proxy_ignore_headers', keyword('X-Accel-Redirect')),
  ]
}
