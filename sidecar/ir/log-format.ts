/**
 * The formats of the access logs, as the administrator writes them (`log-format-upstream`, `log-format-stream`):
 * text and variables. They become part of nginx.conf, so they are taken apart first: a variable that NGINX does not
 * know would keep every later configuration from loading, and a `$` that begins none cannot be written at all.
 */
import { quoted } from './names.ts'
import type { Parser } from './value.ts'

export type LogPart = { readonly text: string } | { readonly variable: string }

export type LogFormat = readonly LogPart[]

const MAX_LENGTH = 4096
const MAX_NAME = 64

/** Set by Lua for each request, when the format has them. */
export const ROUTE_VARIABLES = ['namespace', 'ingress_name', 'service_name', 'service_port', 'location_path'] as const

/** Variables that the skeleton declares. */
const OURS = [...ROUTE_VARIABLES, 'proxy_upstream_name', 'proxy_alternative_upstream_name', 'req_id']

/** Variables of the NGINX modules that every build of ours has. */
const NGINX = `
  binary_remote_addr body_bytes_sent bytes_sent connection connection_requests connection_time
  connections_active content_length content_type date_gmt date_local document_uri host hostname http2 https
  is_args msec nginx_version pid pipe proxy_protocol_addr proxy_protocol_port query_string args
  realip_remote_addr realip_remote_port remote_addr remote_port remote_user request request_body_file
  request_completion request_filename request_id request_length request_method request_time request_uri scheme
  server_addr server_name server_port server_protocol ssl_cipher ssl_ciphers ssl_client_fingerprint
  ssl_client_i_dn ssl_client_s_dn ssl_client_serial ssl_client_verify ssl_curve ssl_curves ssl_protocol ssl_server_name
  ssl_session_reused status tcpinfo_rtt tcpinfo_rttvar time_iso8601 time_local upstream_addr
  upstream_bytes_received upstream_bytes_sent upstream_cache_status upstream_connect_time upstream_header_time
  upstream_response_length upstream_response_time upstream_status uri`

/** Every variable that a format may have, besides the families. */
export const LOG_VARIABLES: ReadonlySet<string> = new Set([...OURS, ...NGINX.trim().split(/\s+/)])

/** Families whose rest is the name of a header, cookie or argument. */
const FAMILIES = ['http_', 'sent_http_', 'upstream_http_', 'upstream_cookie_', 'cookie_', 'arg_'] as const

/** Names of ingress-nginx for what NGINX has under another. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['the_real_ip', 'remote_addr'],
  ['best_http_host', 'http_host'],
])

/** Of the stream modules. */
const STREAM_VARIABLES: ReadonlySet<string> = new Set(`
  binary_remote_addr bytes_received bytes_sent connection hostname msec nginx_version pid protocol proxy_protocol_addr
  proxy_protocol_port proxy_protocol_server_addr proxy_protocol_server_port remote_addr remote_port server_addr
  server_port session_time ssl_preread_server_name status time_iso8601 time_local upstream_addr upstream_bytes_received
  upstream_bytes_sent upstream_connect_time upstream_first_byte_time upstream_session_time`.trim().split(/\s+/))

function isHttpVariable(name: string): boolean {
  return LOG_VARIABLES.has(name) || FAMILIES.some((family) => name.startsWith(family) && name.length > family.length)
}

/** NGINX's own grammar: `$name` or `${name}`. */
const VARIABLE = /\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g

const ALLOWED = `at most ${MAX_LENGTH} printable characters, with "$" only before the name of a known variable`

function isPrintable(text: string): boolean {
  return !/\p{C}/u.test(text)
}

function formatOf(isKnown: (name: string) => boolean): Parser<LogFormat> {
  return (text) => {
    if (text.length > MAX_LENGTH || !isPrintable(text)) return { allowed: ALLOWED }
    const parts = split(text)
    for (const part of parts) {
      if ('text' in part && part.text.includes('$')) return { allowed: ALLOWED }
      if ('variable' in part && !(part.variable.length <= MAX_NAME && isKnown(part.variable))) {
        return { allowed: `${ALLOWED}; none is ${quoted(part.variable)}` }
      }
    }
    return { value: parts }
  }
}

/** Text and variables; refused as a whole when one of them cannot be used. */
export const logFormat: Parser<LogFormat> = formatOf(isHttpVariable)

/** The same for TCP and UDP. */
export const streamLogFormat: Parser<LogFormat> = formatOf((name) => STREAM_VARIABLES.has(name))

function split(text: string): LogPart[] {
  const parts: LogPart[] = []
  let end = 0
  for (const match of text.matchAll(VARIABLE)) {
    const name = match[1] ?? match[2] ?? ''
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push({ variable: ALIASES.get(name) ?? name })
    end = match.index + match[0].length
  }
  return end < text.length ? [...parts, { text: text.slice(end) }] : parts
}

/** The format of ingress-nginx. */
const DEFAULT_TEXT =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ' +
  '"$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ' +
  '$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id'

function parsed(text: string, parse: Parser<LogFormat>): LogFormat {
  const reading = parse(text)
  if ('value' in reading) return reading.value
  throw new TypeError(`the default log format is wrong: ${reading.allowed}`)
}

export const DEFAULT_LOG_FORMAT: LogFormat = parsed(DEFAULT_TEXT, logFormat)

export const DEFAULT_STREAM_LOG_FORMAT: LogFormat = parsed(
  '[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time',
  streamLogFormat,
)

/** The names of the variables in it. */
export function variablesOf(format: LogFormat): ReadonlySet<string> {
  return new Set(format.flatMap((part) => ('variable' in part ? [part.variable] : [])))
}
