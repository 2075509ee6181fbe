/** Values of FastCGI parameters, as the ConfigMap of `fastcgi-params-configmap` has them: text and variables. */
import type { Parser } from './value.ts'

export type ParameterPart = { readonly text: string } | { readonly variable: string }

const LONGEST = 512

/** What a request tells; nothing of this program's own. */
const VARIABLES: ReadonlySet<string> = new Set([
  'args', 'content_length', 'content_type', 'document_uri', 'fastcgi_path_info', 'fastcgi_script_name', 'host', 'http_host', 'https',
  'query_string', 'remote_addr', 'remote_port', 'remote_user', 'req_id', 'request_method', 'request_uri', 'scheme', 'server_addr',
  'server_port', 'server_protocol', 'uri',
])

const ALLOWED =
  `1 to ${LONGEST} letters, digits, "-", "_", "/" and ".", and variables such as $fastcgi_script_name (docs/backends.md), `
  + 'after which no letter or digit comes'

/** Text, then a variable in either form, again and again: one step each, no backtracking. */
const PART = /([A-Za-z0-9\-_/.]+)|\$(?:\{([a-z_]+)\}|([a-z_]+))/gy

/** One value; its parts are printed without braces, hence the rule about what follows a variable. */
export const parameterValue: Parser<readonly ParameterPart[]> = (text) => {
  if (text === '' || text.length > LONGEST) return { allowed: ALLOWED }
  const parts: ParameterPart[] = []
  let end = 0
  for (const [whole, plain, braced, bare] of text.matchAll(PART)) {
    const variable = braced ?? bare
    if (variable === undefined) parts.push({ text: plain ?? '' })
    else parts.push({ variable })
    end += whole.length
  }
  const isKnown = parts.every((part, i) => 'text' in part ? !followsVariable(parts, i) : VARIABLES.has(part.variable))
  return end === text.length && isKnown ? { value: parts } : { allowed: ALLOWED }
}

function followsVariable(parts: readonly ParameterPart[], i: number): boolean {
  const [before, part] = [parts[i - 1], parts[i]]
  return before !== undefined && 'variable' in before && part !== undefined && 'text' in part && /^\w/.test(part.text)
}
