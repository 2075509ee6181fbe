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

const VARIABLES: ReadonlySet<string> = new Set([
  'args', 'binary_remote_addr', 'content_type', 'document_uri', 'host', 'is_args', 'query_string', 'remote_addr',
  'remote_port', 'remote_user', 'req_id', 'request_id', 'request_method', 'request_uri', 'scheme', 'server_addr',
  'server_name', 'server_port', 'server_protocol', 'ssl_server_name', 'ssl_session_id', 'uri',
])
/** Variables that end in the name of an argument, a cookie or a header. */
const NAMED = /^(arg|cookie|http)_[a-z0-9_]{1,64}$/
const TOKEN = /\$\{([A-Za-z0-9_]+)\}|\$([0-9]|[A-Za-z_][A-Za-z0-9_]*)|([A-Za-z0-9_-]+)/y

const ALLOWED =
  'at most 256 of A-Z, a-z, 0-9, "-", "_" and variables such as $remote_addr, $request_uri, ${arg_user}, $1; at least one known variable'

/** An unknown variable is empty, as in ingress-nginx, and a warning; a text that never differs is refused. */
export function template(text: string): Parsed<readonly TemplatePart[]> {
  const parts = text.length <= MAX_LENGTH ? partsOf(text) : undefined
  if (parts === undefined || parts.length > MAX_PARTS) return { allowed: ALLOWED }
  const unknown = parts.flatMap((part) => ('var' in part && !isKnown(part.var) ? [`$${part.var}`] : []))
  const value = parts.filter((part) => !('var' in part) || isKnown(part.var))
  if (value.every((part) => 'text' in part)) return { allowed: ALLOWED }
  if (unknown.length === 0) return { value }
  return { value, warning: `${quoted(unknown.join(' '))} is not known and counts as empty` }
}

function isKnown(name: string): boolean {
  return VARIABLES.has(name) || NAMED.test(name)
}

function partsOf(text: string): TemplatePart[] | undefined {
  const parts: TemplatePart[] = []
  const token = new RegExp(TOKEN)
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
