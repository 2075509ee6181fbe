/** What each directive that `conf` may hold becomes. One entry = one directive. */
import { quoted } from '../../ir/names.ts'
import type { Json } from '../../ir/types.ts'
import { duration, onOff, size, type Parser } from '../../ir/value.ts'
import { backendConnection } from '../../policy/backend-connection.ts'
import { backendUrls } from '../../policy/backend-urls.ts'
import { buffering } from '../../policy/buffering.ts'
import type { Reading } from './conf-effect.ts'
import { addHeader, expires, GOOD_STATUSES, hideHeader, moreHeaders, setRequestHeader, template } from './conf-headers.ts'

export interface ConfEntry {
  /** How it is written, for messages and the documentation. */
  readonly usage: string
  readonly about: string
  /** How many words may follow its name. */
  readonly min: number
  readonly max: number
  /** `words`: without the name. */
  read(words: readonly string[]): Reading
}

const ANY = 32
const MAX_SECONDS = 86_400

/** With one value of a policy: name, how it is written, and whose value it is. */
const SIMPLE: readonly (readonly [name: string, form: string, policy: string, field: string, parse: Parser<Json>])[] = [
  ['proxy_request_buffering', 'on | off', 'buffering', 'requests', buffering.fields.requests.parse],
  ['proxy_buffer_size', 'SIZE', 'buffering', 'size', buffering.fields.size.parse],
  ['proxy_busy_buffers_size', 'SIZE', 'buffering', 'busy', buffering.fields.busy.parse],
  ['proxy_max_temp_file_size', 'SIZE', 'buffering', 'file', buffering.fields.file.parse],
  ['client_body_buffer_size', 'SIZE', 'buffering', 'body', buffering.fields.body.parse],
  ['proxy_http_version', '1.0 | 1.1', 'backend_connection', 'version', backendConnection.fields.version.parse],
  ['proxy_cookie_domain', 'FROM TO | off', 'backend_urls', 'cookie_domain', backendUrls.fields.cookie_domain.parse],
  ['proxy_cookie_path', 'FROM TO | off', 'backend_urls', 'cookie_path', backendUrls.fields.cookie_path.parse],
]

export const CONF_DIRECTIVES: ReadonlyMap<string, ConfEntry> = new Map<string, ConfEntry>([
  ['more_set_headers', {
    usage: "more_set_headers [-s 'STATUS ...'] [-t 'TYPE ...'] 'NAME: VALUE' ...",
    about: 'Headers of answers, of these statuses and media types only; without a value: away with it',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'response', 'set'),
  }],
  ['more_clear_headers', {
    usage: "more_clear_headers [-s 'STATUS ...'] [-t 'TYPE ...'] NAME ...",
    about: 'Headers that answers go without; `NAME*` is all that begin so',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'response', 'remove'),
  }],
  ['more_set_input_headers', {
    usage: "more_set_input_headers 'NAME: VALUE' ...",
    about: 'Headers of requests on their way to the backend',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'request', 'set'),
  }],
  ['more_clear_input_headers', {
    usage: 'more_clear_input_headers NAME ...',
    about: 'Headers that the backend does not get; `NAME*` is all of the client that begin so',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'request', 'remove'),
  }],
  ['add_header', {
    usage: 'add_header NAME VALUE [always]',
    about: `One more header of answers: with \`always\` of all, else of ${GOOD_STATUSES.join(', ')}`,
    min: 2, max: 3,
    read: addHeader,
  }],
  ['proxy_set_header', {
    usage: 'proxy_set_header NAME VALUE',
    about: 'A header of requests on their way to the backend; an empty value: away with it',
    min: 2, max: 2,
    read: ([name = '', text = '']) => setRequestHeader(name, text),
  }],
  ['proxy_hide_header', {
    usage: 'proxy_hide_header NAME',
    about: 'A header of the backend that clients do not get',
    min: 1, max: 1,
    read: hideHeader,
  }],
  ...(['connect', 'read', 'send'] as const).map((field): [string, ConfEntry] => [`proxy_${field}_timeout`, {
    usage: `proxy_${field}_timeout TIME`,
    about: `As the annotation \`proxy-${field}-timeout\``,
    min: 1, max: 1,
    read: value('timeouts', field, duration(1, MAX_SECONDS)),
  }]),
  ['client_max_body_size', {
    usage: 'client_max_body_size SIZE',
    about: 'As the annotation `proxy-body-size`',
    min: 1, max: 1,
    read: value('body_size', 'max', size(0, 2 ** 40)),
  }],
  ['proxy_buffering', {
    usage: 'proxy_buffering on | off',
    about: 'As the annotation `proxy-buffering`',
    min: 1, max: 1,
    read: value('buffering', 'responses', onOff),
  }],
  ...SIMPLE.map(([name, form, policy, field, parse]): [string, ConfEntry] => [name, {
    usage: `${name} ${form}`,
    about: `As the annotation \`${name.replaceAll('_', '-')}\``,
    min: 1, max: form.split(' | ')[0]?.split(' ').length ?? 1,
    read: (words) => value(policy, field, parse)([words.join(' ')]),
  }]),
  ['proxy_redirect', {
    usage: 'proxy_redirect FROM TO | off | default',
    about: 'As the annotations `proxy-redirect-from` and `proxy-redirect-to`; regular expressions and variables are refused',
    min: 1, max: 2,
    read: redirects,
  }],
  ['return', {
    usage: 'return CODE [TEXT] | CODE URL | URL',
    about: 'The answer to every request that limits, address lists and passwords let pass; no backend is asked. 301, 302, 303, 307 and 308 lead to a URL at once; it alone is 302',
    min: 1, max: 2,
    read: answer,
  }],
  ['expires', {
    usage: 'expires [modified] TIME | epoch | max | off',
    about: 'Expires and Cache-Control of answers; the time may be negative',
    min: 1, max: 2,
    read: expires,
  }],
])

function redirects([from = '', to]: readonly string[]): Reading {
  const isPair = to !== undefined
  if (!isPair && from !== 'off' && from !== 'default') return 'it needs a second URL'
  const { redirect_from: first, redirect_to: second } = backendUrls.fields
  const begin = value('backend_urls', 'redirect_from', first.parse)([from])
  const end = isPair ? value('backend_urls', 'redirect_to', second.parse)([to]) : []
  if (typeof begin === 'string') return begin
  return typeof end === 'string' ? end : [...begin, ...end]
}

/** Codes that take a URL instead of a text. */
const REDIRECTS = [301, 302, 303, 307, 308]
/** Closes the connection. */
const NO_ANSWER = 444

function answer([first = '', second]: readonly string[]): Reading {
  if (second === undefined && /^(https?:\/\/|\$scheme)/.test(first)) return redirect(302, first)
  const status = /^[2-5][0-9]{2}$/.test(first) ? Number(first) : 0
  if (status === 0) return `${quoted(first)} is refused; allowed: a status from 200 to 599, or a URL`
  if (REDIRECTS.includes(status)) return second === undefined ? 'it needs a URL' : redirect(status, second)
  return direct(status, second)
}

function direct(status: number, text = ''): Reading {
  if (status === NO_ANSWER && text !== '') return 'there is no answer that could have a text'
  const body = template(text, true)
  if (typeof body === 'string') return body
  return [
    { policy: 'direct_response', field: 'status', value: status },
    ...(body.length === 0 ? [] : [{ policy: 'direct_response', field: 'body', value: body }]),
  ]
}

function redirect(code: number, url: string): Reading {
  const location = template(url)
  if (typeof location === 'string') return location
  if (!/^(https?:\/\/|\/(?!\/)|\$(\{scheme\}|scheme):\/\/)/.test(url)) {
    return `${quoted(url)} is refused; allowed: a URL that begins with http://, https://, $scheme:// or one "/"`
  }
  return [
    { policy: 'redirect', field: 'code', value: code },
    { policy: 'redirect', field: 'location', value: location },
  ]
}

function value(policy: string, field: string, parse: Parser<Json>): ConfEntry['read'] {
  return ([text = '']) => {
    const parsed = parse(text)
    return 'value' in parsed ? [{ policy, field, value: parsed.value }] : `${quoted(text)} is refused; allowed: ${parsed.allowed}`
  }
}
