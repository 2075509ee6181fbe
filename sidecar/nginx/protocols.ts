/**
 * NGINX has a family of directives for each protocol of backends. What is said of HTTP (`proxy_*`), by settings and by
 * policies, is said of the others here; what has no meaning for one of them is left out.
 */
import type { BackendProtocol } from '../policy/backend-protocol.ts'
import { directive, keyword, passTarget, type Argument, type Directive } from '../syntax/directive.ts'
import type { ProxyHeader } from './proxy-headers.ts'

/** Families by the ends of their names that mean the same as in `proxy_<end>`. */
const GRPC = ['buffer_size', 'next_upstream', 'intercept_errors', 'hide_header', 'pass_header', 'ignore_headers']
const FASTCGI = [
  ...GRPC, 'buffering', 'buffers', 'busy_buffers_size', 'request_buffering', 'max_temp_file_size', 'temp_file_write_size',
]
const TLS = 'proxy_ssl_'

/** Conditions of `proxy_next_upstream` that FastCGI does not have. */
const NOT_IN_FASTCGI: ReadonlySet<string> = new Set(['http_502', 'http_504'])

export type HttpProtocol = Extract<BackendProtocol, 'HTTPS' | 'AUTO_HTTP'>
export type OtherProtocol = Exclude<BackendProtocol, HttpProtocol>

/** Protocols that NGINX speaks by its proxy module, so that everything that is said of it holds. */
export function isHttp(protocol: BackendProtocol | undefined): protocol is HttpProtocol | undefined {
  return protocol === undefined || protocol === 'HTTPS' || protocol === 'AUTO_HTTP'
}

/**
 * The lines of a location of another protocol: what `http` says of HTTP to backends, unless its class says it. Settings
 * come along since another family has other defaults.
 */
export function linesOf(
  protocol: OtherProtocol, own: readonly Directive[], inherited: readonly Directive[],
): readonly Directive[] {
  const said = new Set(own.map(slotOf))
  return [...inherited.filter((line) => !said.has(slotOf(line))), ...own].flatMap((line) => translated(protocol, line))
}

/** What a line is about: of these each names one thing, others are there once. */
function slotOf({ name, arguments: [first] }: Directive): string {
  return /_(?:param|hide_header|pass_header)$/.test(name) ? `${name} ${first ?? ''}` : name
}

function translated(protocol: OtherProtocol, line: Directive): readonly Directive[] {
  const { name, arguments: words } = line
  if (!name.startsWith('proxy_')) return [line]
  const end = name.slice('proxy_'.length)
  if (protocol === 'FCGI') {
    const kept = end === 'next_upstream' ? conditionsOf(words) : words
    return FASTCGI.includes(end) ? [{ name: `fastcgi_${end}`, arguments: kept }] : []
  }
  return GRPC.includes(end) || name.startsWith(TLS) ? [{ name: `grpc_${end}`, arguments: words }] : []
}


function conditionsOf(words: readonly Argument[]): readonly Argument[] {
  const kept = words.filter((word) => !NOT_IN_FASTCGI.has(word))
  return kept.length === 0 ? [keyword('off')] : kept
}

/** The `upstream` blocks of a class: AUTO_HTTP has two, since a connection with TLS is none without. */
export function upstreamNames(className: string, protocol: BackendProtocol): readonly string[] {
  return protocol === 'AUTO_HTTP' ? [`${className}_http`, `${className}_https`] : [className]
}

/** What sends a request to a backend. */
export function passDirective(className: string, protocol: BackendProtocol): Directive {
  switch (protocol) {
    case 'HTTPS': return directive('proxy_pass', passTarget('https', className))
    case 'AUTO_HTTP': return directive('proxy_pass', passTarget('$scheme', className))
    case 'GRPC': return directive('grpc_pass', passTarget('grpc', className))
    case 'GRPCS': return directive('grpc_pass', passTarget('grpcs', className))
    case 'FCGI': return directive('fastcgi_pass', passTarget(undefined, className))
  }
}

/** How a location tells backends its headers. */
export interface HeaderView {
  readonly directive: string
  readonly upgrades: boolean
  /** Of the client, never passed on (httpoxy). */
  readonly proxy: string
  readonly proxy_headers: readonly ProxyHeader[]
}

/** FastCGI has headers as parameters; one that is set here is not passed on as the client sent it. */
export function headerView(protocol: BackendProtocol | undefined, headers: readonly ProxyHeader[]): HeaderView {
  if (protocol === 'FCGI') {
    const named = headers.map(({ name, value }) => ({ name: parameter(name), value }))
    return { directive: 'fastcgi_param', upgrades: false, proxy: parameter('Proxy'), proxy_headers: named }
  }
  const upgrades = isHttp(protocol)
  return { directive: upgrades ? 'proxy_set_header' : 'grpc_set_header', upgrades, proxy: 'Proxy', proxy_headers: headers }
}

function parameter(header: string): string {
  return `HTTP_${header.toUpperCase().replaceAll('-', '_')}`
}
