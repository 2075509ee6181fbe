/** How each location class speaks to its backends: connections, headers, and what sends a request there. */
import type { Settings } from '../ir/settings.ts'
import { isTls, type BackendProtocol } from '../policy/backend-protocol.ts'
import type { LocationClass } from '../policy/effects.ts'
import { answerHeaderLines } from './answers.ts'
import { directive, headerName, keyword, print, type Directive } from './directive.ts'
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
