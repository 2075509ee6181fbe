/** What each directive that `conf` may hold becomes. One entry = one directive. */
import { quoted } from '../../ir/names.ts'
import { textTemplate, type TemplatePart } from '../../ir/template.ts'
import type { Json } from '../../ir/types.ts'
import { duration, onOff, size, type Parser } from '../../ir/value.ts'
import { headerProblem, valued, type Direction, type Expires, type HeaderChange, type HeaderCondition } from '../../policy/headers.ts'

/** A step of one of the policies for headers. `rank`: NGINX runs them in this order, whatever stands first. */
export interface HeaderEffect {
  readonly direction: Direction
  readonly change: HeaderChange
  readonly rank: number
}

/** A field of a policy. */
export interface FieldEffect {
  readonly policy: string
  readonly field: string
  readonly value: Json
}

export type Effect = HeaderEffect | FieldEffect

/** What a directive does; text: what is wrong with it. */
export type Reading = readonly Effect[] | string

export interface ConfEntry {
  /** For the documentation. */
  readonly usage: string
  readonly about: string
  readonly min: number
  readonly max: number
  /** `words`: without the name. */
  read(words: readonly string[]): Reading
}

/** Statuses of `add_header` without `always`. */
const GOOD_STATUSES = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308]
const RANK = { hide: 0, more: 1, expires: 2, add: 3 } as const
const ANY = 32
const MAX_SECONDS = 86_400
const LONGEST_EXPIRES = 31_536_000 * 10

export const CONF_DIRECTIVES: ReadonlyMap<string, ConfEntry> = new Map<string, ConfEntry>([
  ['more_set_headers', {
    usage: "more_set_headers [-s 'STATUS ...'] [-t 'TYPE ...'] 'NAME: VALUE' ...;",
    about: 'Headers of answers, of these statuses and media types only; without a value: away with it',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'response', 'set'),
  }],
  ['more_clear_headers', {
    usage: "more_clear_headers [-s 'STATUS ...'] [-t 'TYPE ...'] NAME ...;",
    about: 'Headers that answers go without; `NAME*` is all that begin so',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'response', 'remove'),
  }],
  ['more_set_input_headers', {
    usage: "more_set_input_headers 'NAME: VALUE' ...;",
    about: 'Headers of requests on their way to the backend',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'request', 'set'),
  }],
  ['more_clear_input_headers', {
    usage: 'more_clear_input_headers NAME ...;',
    about: 'Headers that the backend does not get; `NAME*` is all that begin so',
    min: 1, max: ANY,
    read: (words) => moreHeaders(words, 'request', 'remove'),
  }],
  ['add_header', {
    usage: 'add_header NAME VALUE [always];',
    about: `One more header of answers: with \`always\` of all, else of ${GOOD_STATUSES.join(', ')}`,
    min: 2, max: 3,
    read: addHeader,
  }],
  ['proxy_set_header', {
    usage: 'proxy_set_header NAME VALUE;',
    about: 'A header of requests on their way to the backend; an empty value: away with it',
    min: 2, max: 2,
    read: ([name = '', text = '']) => requestHeader(name, text),
  }],
  ['proxy_hide_header', {
    usage: 'proxy_hide_header NAME;',
    about: 'A header of the backend that clients do not get',
    min: 1, max: 1,
    read: ([name = '']) => headerProblem(name, 'hide', 'response') ?? [header('response', { hide: name }, RANK.hide)],
  }],
  ...(['connect', 'read', 'send'] as const).map((field): [string, ConfEntry] => [`proxy_${field}_timeout`, {
    usage: `proxy_${field}_timeout TIME;`,
    about: `As the annotation \`proxy-${field}-timeout\``,
    min: 1, max: 1,
    read: value('timeouts', field, duration(1, MAX_SECONDS)),
  }]),
  ['client_max_body_size', {
    usage: 'client_max_body_size SIZE;',
    about: 'As the annotation `proxy-body-size`',
    min: 1, max: 1,
    read: value('body_size', 'max', size(0, 2 ** 40)),
  }],
  ['proxy_buffering', {
    usage: 'proxy_buffering on | off;',
    about: 'As the annotation `proxy-buffering`',
    min: 1, max: 1,
    read: value('buffering', 'responses', onOff),
  }],
  ['expires', {
    usage: 'expires [modified] TIME | epoch | max | off;',
    about: 'Expires and Cache-Control of answers; the time may be negative',
    min: 1, max: 2,
    read: expires,
  }],
])

function header(direction: Direction, change: HeaderChange, rank: number): HeaderEffect {
  return { direction, change, rank }
}

function value(policy: string, field: string, parse: Parser<Json>): ConfEntry['read'] {
  return ([text = '']) => {
    const parsed = parse(text)
    return 'value' in parsed ? [{ policy, field, value: parsed.value }] : `${quoted(text)} is refused; allowed: ${parsed.allowed}`
  }
}

function template(text: string): readonly TemplatePart[] | string {
  const parsed = textTemplate(text)
  return 'value' in parsed ? parsed.value : `${quoted(text)} is refused; allowed: ${parsed.allowed}`
}

/** `Host` is not one more header of a request: it says whom the request is for. */
function requestHeader(name: string, text: string): Reading {
  const problem = headerProblem(name, 'set', 'request')
  const parts = problem ?? template(text)
  if (typeof parts === 'string') return parts
  if (name.toLowerCase() !== 'host') return valued('set', name, parts).map((change) => header('request', change, RANK.more))
  return parts.length === 0 ? 'every request has a Host' : [{ policy: 'upstream_host', field: 'host', value: parts }]
}

function addHeader([name = '', text = '', always]: readonly string[]): Reading {
  if (always !== undefined && always !== 'always') return `${quoted(always)} is refused; allowed: always`
  const parts = headerProblem(name, 'add', 'response') ?? template(text)
  if (typeof parts === 'string') return parts
  const condition = always === undefined ? { statuses: GOOD_STATUSES } : {}
  return valued('add', name, parts, condition).map((change) => header('response', change, RANK.add))
}

/** The directives of headers-more: options, then one word for each header. */
function moreHeaders(words: readonly string[], direction: Direction, change: 'set' | 'remove'): Reading {
  const options = readOptions(words, direction)
  if (typeof options === 'string') return options
  if (options.rest.length === 0) return 'it names no header'
  const effects: Effect[] = []
  for (const word of options.rest) {
    const read = moreHeader(word, direction, change, options.condition)
    if (typeof read === 'string') return read
    effects.push(...read)
  }
  return effects
}

function moreHeader(word: string, direction: Direction, change: 'set' | 'remove', condition: HeaderCondition): Reading {
  const colon = word.indexOf(':')
  const name = (colon < 0 ? word : word.slice(0, colon)).trim()
  const text = colon < 0 || change === 'remove' ? '' : word.slice(colon + 1).replace(/^ +/, '')
  if (text !== '' && direction === 'request') return requestHeader(name, text)
  const parts = headerProblem(name, text === '' ? 'remove' : 'set', direction) ?? template(text)
  if (typeof parts === 'string') return parts
  return valued('set', name, parts, condition).map((it) => header(direction, it, RANK.more))
}

interface Options {
  readonly condition: HeaderCondition
  readonly rest: readonly string[]
}

/** `-s` and `-t` with their lists; each may stand several times. */
function readOptions(words: readonly string[], direction: Direction): Options | string {
  const statuses: number[] = []
  const types: string[] = []
  let at = 0
  for (; words[at]?.startsWith('-') === true; at += 2) {
    const items = (words[at + 1] ?? '').split(/\s+/).filter((item) => item !== '')
    if (direction === 'request' || !['-s', '-t'].includes(words[at] ?? '')) return `the option ${quoted(words[at])} is not supported`
    if (items.length === 0) return `the option ${quoted(words[at])} has no list`
    const bad = items.find((item) => !(words[at] === '-s' ? /^[1-9][0-9]{2}$/ : /^[\w.+*-]{1,60}\/[\w.+*-]{1,60}$/).test(item))
    if (bad !== undefined) return `${quoted(bad)} is no ${words[at] === '-s' ? 'status' : 'media type'}`
    if (words[at] === '-s') statuses.push(...items.map(Number))
    else types.push(...items.map((item) => item.toLowerCase()))
  }
  if (Math.max(statuses.length, types.length) > ANY) return `a list has more than ${ANY} items`
  const condition = { ...(statuses.length === 0 ? {} : { statuses }), ...(types.length === 0 ? {} : { types }) }
  return { condition, rest: words.slice(at) }
}

/** Times as NGINX writes them, also negative ones; `off` says nothing. */
function expires(words: readonly string[]): Reading {
  const modified = words.length === 2
  const text = words.at(-1) ?? ''
  if (modified && words[0] !== 'modified') return `${quoted(words[0])} is refused; allowed: modified`
  const effect = (it: Expires): Reading => [header('response', { expires: it }, RANK.expires)]
  if (!modified && text === 'off') return []
  if (!modified && text === 'epoch') return effect({ epoch: true })
  if (!modified && text === 'max') return effect({ max: true })
  const sign = text.startsWith('-') ? -1 : 1
  const parsed = duration(0, LONGEST_EXPIRES)(text.replace(/^[+-]/, ''))
  if (!('value' in parsed)) return `${quoted(text)} is refused; allowed: ${parsed.allowed}, epoch, max, off`
  return effect({ seconds: sign * parsed.value, ...(modified ? { modified: true } : {}) })
}
