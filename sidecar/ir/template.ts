/**
 * Texts with variables, as in `$remote_addr-${arg_user}`: parsed here into parts, so that Lua looks up
 * variables of a fixed list and never reads NGINX text.
 */
import { quoted } from './names.ts'
import type { Parsed } from './value.ts'

/** A text, a variable of NGINX, or what a group of the route's regular expression matched. */
export type TemplatePart = { readonly text: string } | { readonly var: string } | { readonly capture: number }

const MAX_LENGTH = 256
const MAX_PARTS = 16
const MAX_URL = 2048
/** Bytes of the text of one header, or of the body of an answer. */
export const MAX_TEXT = 4096

const VARIABLES: ReadonlySet<string> = new Set([
  'args', 'binary_remote_addr', 'content_type', 'document_uri', 'escaped_request_uri', 'host', 'is_args', 'msec',
  'pass_access_scheme', 'proxy_add_x_forwarded_for', 'query_string', 'remote_addr', 'remote_port', 'remote_user', 'req_id', 'request_id',
  'request_length', 'request_method', 'request_time', 'request_uri', 'scheme', 'server_addr', 'server_name',
  'server_port', 'server_protocol', 'ssl_cipher', 'ssl_protocol', 'ssl_server_name', 'ssl_session_id', 'status',
  'time_iso8601', 'upstream_addr', 'upstream_response_time', 'upstream_status', 'uri',
])
/** Every variable that stands alone, for the documentation. */
export const KNOWN_VARIABLES: readonly string[] = [...VARIABLES]
/** Variables that end in the name of an argument, a cookie or a header. */
const NAMED = /^(arg|cookie|http)_[a-z0-9_]{1,64}$/
const TOKEN = /\$\{([A-Za-z0-9_]+)\}|\$([0-9]|[A-Za-z_][A-Za-z0-9_]*)|([A-Za-z0-9_-]+)/y

const ALLOWED =
  'at most 256 of A-Z, a-z, 0-9, "-", "_" and variables such as $remote_addr, $request_uri, ${arg_user}, $1; at least one known variable'

/** An unknown variable is empty, as in ingress-nginx, and a warning; a text that never differs is refused. */
export function template(text: string): Parsed<readonly TemplatePart[]> {
  const parts = text.length <= MAX_LENGTH ? partsOf(text, TOKEN) : undefined
  if (parts === undefined || parts.length > MAX_PARTS) return { allowed: ALLOWED }
  const unknown = parts.flatMap((part) => ('var' in part && !isKnown(part.var) ? [`$${part.var}`] : []))
  const value = parts.filter((part) => !('var' in part) || isKnown(part.var))
  if (value.every((part) => 'text' in part)) return { allowed: ALLOWED }
  if (unknown.length === 0) return { value }
  return { value, warning: `${quoted(unknown.join(' '))} is not known and counts as empty` }
}

/** The first group never matches: no `${1}` here. */
const PATH_TOKEN = /(?!)(.)|\$([1-9])(?![0-9])|([A-Za-z0-9._~:/-]+)/y

const PATH_ALLOWED = 'a path of at most 256 of A-Z, a-z, 0-9, "-", ".", "_", "~", ":", "/" and the groups $1 to $9 of the path'

/** A path in which `$1` to `$9` are what groups of a regular expression matched: no other variable, no query. */
export function pathTemplate(text: string): Parsed<readonly TemplatePart[]> {
  const parts = text !== '' && text.length <= MAX_LENGTH ? partsOf(text, PATH_TOKEN) : undefined
  return parts === undefined || parts.length > MAX_PARTS ? { allowed: PATH_ALLOWED } : { value: parts }
}

/** A path of the same characters as `pathTemplate` takes, and nothing else. */
export function plainPath(text: string): Parsed<string> {
  if (/^\/[A-Za-z0-9._~:/-]{0,255}$/.test(text) && !text.startsWith('//')) return { value: text }
  return { allowed: 'a path that begins with one "/", of at most 256 of A-Z, a-z, 0-9, "-", ".", "_", "~", ":" and "/"' }
}

const HOST_TOKEN = /\$\{([a-z_]+)\}|\$([a-z_]+)|([A-Za-z0-9.:[\]_-]+)/y

/** What clients do not choose freely: their Host, which led to this route, and what is known of the route. */
const HOST_VARIABLES: ReadonlySet<string> = new Set([
  'host', 'http_host', 'server_name', 'namespace', 'service_name', 'service_port',
])

/** A Host header: a name with or without a port, and variables of a short list. */
export function hostTemplate(text: string): Parsed<readonly TemplatePart[]> {
  const parts = text !== '' && text.length <= MAX_LENGTH ? partsOf(text, HOST_TOKEN) : undefined
  const isGood = parts?.every((part) => !('var' in part) || HOST_VARIABLES.has(part.var)) === true
  if (isGood && parts.length <= MAX_PARTS) return { value: parts }
  const names = [...HOST_VARIABLES].map((name) => `$${name}`).join(', ')
  return { allowed: `a name with or without a port, of at most 256 of A-Z, a-z, 0-9, "-", ".", "_", ":", or ${names}` }
}

/** The characters of RFC 3986; the others are escaped by whoever writes the URL. */
const URL_TOKEN = /\$\{([A-Za-z0-9_]+)\}|\$([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z0-9._~:/?#@!&'()*+,;=%[\]-]+)/y

/** What the request is about, and nothing else that its client could choose. */
const URL_VARIABLES: readonly string[] = [
  'args', 'escaped_request_uri', 'host', 'http_host', 'is_args', 'pass_access_scheme', 'remote_addr', 'req_id', 'request_method',
  'request_uri', 'scheme', 'server_port', 'uri',
]

/** An URL or the end of one, in which variables of a short list may stand. */
export function urlTemplate(text: string): Parsed<readonly TemplatePart[]> {
  const parts = text !== '' && text.length <= MAX_URL ? partsOf(text, URL_TOKEN) : undefined
  const isGood = parts?.every((part) => !('var' in part) || URL_VARIABLES.includes(part.var)) === true
  if (isGood && parts.length <= MAX_PARTS) return { value: parts }
  const names = URL_VARIABLES.map((name) => `$${name}`).join(', ')
  return { allowed: `at most ${MAX_URL} characters of an URL, and ${names}` }
}

function isKnown(name: string): boolean {
  return VARIABLES.has(name) || NAMED.test(name)
}

function partsOf(text: string, grammar: RegExp): TemplatePart[] | undefined {
  const parts: TemplatePart[] = []
  const token = new RegExp(grammar)
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (match === null) return undefined
    const [, braced, bare, literal] = match
    const name = braced ?? bare
    parts.push(name === undefined ? { text: literal ?? '' } : reference(name))
  }
  return parts
}

/** NGINX reads names of variables in lower case. */
function reference(name: string): TemplatePart {
  return /^[0-9]$/.test(name) ? { capture: Number(name) } : { var: name.toLowerCase() }
}

/** Of a text that people read: one line of UTF-8, or several where line breaks are allowed. */
const TEXT = /\$\{([A-Za-z0-9_]+)\}|\$([0-9]|[A-Za-z_][A-Za-z0-9_]*)|([^$]+)/y
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\x00-\x1f\x7f]/
// eslint-disable-next-line no-control-regex -- all but tab and line breaks
const CONTROL_BUT_LINES = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/

/**
 * The value of a header, or with `lines` the body of an answer: any text with variables. Nobody sees a
 * variable that does not exist, so one is refused here.
 */
export function textTemplate(text: string, lines = false): Parsed<readonly TemplatePart[]> {
  const form = lines ? 'text' : 'text without control characters'
  const allowed = `${form} of at most ${MAX_TEXT} bytes and ${MAX_PARTS} parts`
  if (!isWritable(text, lines)) return { allowed }
  const parts = partsOf(text, TEXT)
  if (parts === undefined) return { allowed: 'a "$" that begins the name of a variable' }
  const unknown = parts.find((part) => 'var' in part && !isText(part.var))
  if (unknown !== undefined) return { allowed: `a variable of the list, and $${quotedName(unknown)} is none` }
  return parts.length <= MAX_PARTS ? { value: parts } : { allowed }
}

function isWritable(text: string, lines: boolean): boolean {
  const isShort = text.length <= MAX_TEXT && Buffer.byteLength(text) <= MAX_TEXT
  return isShort && text.isWellFormed() && !(lines ? CONTROL_BUT_LINES : CONTROL).test(text)
}

function quotedName(part: TemplatePart): string {
  return 'var' in part ? part.var.slice(0, 40) : ''
}

/** Known, and no bytes of another meaning than text. */
function isText(name: string): boolean {
  return isKnown(name) && name !== 'binary_remote_addr'
}
