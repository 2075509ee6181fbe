/**
 * Headers that hold for all requests or all answers: they become lines of nginx.conf, so their names and texts have the
 * closed alphabets that directive.ts prints.
 */
import { logFormat, type LogFormat } from './log-format.ts'
import type { Parser } from './value.ts'

/** The name in its own case. An empty text: no such header. */
export interface HeaderText {
  readonly name: string
  readonly text: LogFormat
}

/** The headers of a ConfigMap, which is named by a key of the settings; '': none is. */
export interface HeaderMap {
  readonly configMap: string
  readonly headers: readonly HeaderText[]
}

export const NO_HEADERS: HeaderMap = { configMap: '', headers: [] }

/** With what stands before it, the name of a variable: NGINX keeps those of at most 46 characters. */
const NAME = /^[A-Za-z0-9-]{1,40}$/

/** NGINX reads no argument of more than 4096 bytes, and each character may need a backslash. */
const MAX_TEXT = 1500

/** What clients can put a line break into, and what is declared for logs alone. */
const UNFIT: ReadonlySet<string> = new Set([
  'uri', 'document_uri', 'request_filename', 'remote_user', 'binary_remote_addr', 'namespace', 'ingress_name', 'service_name',
  'service_port', 'location_path', 'proxy_upstream_name', 'proxy_alternative_upstream_name',
])

/** Whether a header of this name can be a line of nginx.conf. */
export function isLineName(name: string): boolean {
  return NAME.test(name)
}

/** Printable ASCII with variables that NGINX has; `$` begins one everywhere, as NGINX can escape none. */
export const headerText: Parser<LogFormat> = (text) => {
  const allowed = `at most ${MAX_TEXT} printable characters of ASCII, with "$" only before the name of a known variable`
  if (text.length > MAX_TEXT || !/^[ -~]*$/.test(text)) return { allowed }
  const parsed = logFormat(text)
  if (!('value' in parsed)) return parsed
  const unfit = parsed.value.find((part) => 'variable' in part && UNFIT.has(part.variable))
  return unfit === undefined ? parsed : { allowed: `${allowed}; "${'variable' in unfit ? unfit.variable : ''}" may hold line breaks, or is for logs` }
}

/** The variable of nginx.conf that holds the text, without `$`: `add_` of answers, `send_` of requests. */
export function headerVariable(direction: 'request' | 'response', name: string): string {
  return `${direction === 'request' ? 'send' : 'add'}_${name.toLowerCase().replaceAll('-', '_')}`
}
