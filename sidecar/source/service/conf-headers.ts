/** The directives for headers: those of NGINX itself, and of the module headers-more. */
import { quoted } from '../../ir/names.ts'
import { hostTemplate, textTemplate, type TemplatePart } from '../../ir/template.ts'
import { duration } from '../../ir/value.ts'
import { headerProblem, valued, type Direction, type Expires, type HeaderChange, type HeaderCondition } from '../../policy/common/headers.ts'
import type { Effect, HeaderEffect, Reading } from './conf-effect.ts'

/** Statuses of `add_header` without `always`. */
export const GOOD_STATUSES: readonly number[] = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308]
/** NGINX runs these in this order, whatever stands first. */
const RANK = { hide: 0, more: 1, expires: 2, add: 3 } as const
const MAX_CONDITIONS = 32
const LONGEST_EXPIRES = 31_536_000 * 10

function header(direction: Direction, change: HeaderChange, rank: number): HeaderEffect {
  return { direction, change, rank }
}

/** The text with its variables; a text: what is wrong with it. */
export function template(text: string, lines = false): readonly TemplatePart[] | string {
  const parsed = textTemplate(text, lines)
  return 'value' in parsed ? parsed.value : `${quoted(text)} is refused; allowed: ${parsed.allowed}`
}

/** `proxy_set_header NAME VALUE`; the name Host sets what the backend is asked for. */
export function setRequestHeader(name: string, text: string): Reading {
  const problem = headerProblem(name, 'set', 'request')
  if (problem === undefined && name.toLowerCase() === 'host') return setHost(text)
  const parts = problem ?? template(text)
  return typeof parts === 'string' ? parts : valued('set', name, parts).map((it) => header('request', it, RANK.more))
}

/** Not one more header of a request: it says whom the request is for. */
function setHost(text: string): Reading {
  const host = hostTemplate(text)
  if ('value' in host) return [{ policy: 'rewrite', field: 'host', value: host.value }]
  return `${quoted(text)} is refused; allowed: ${host.allowed}`
}

/** `proxy_hide_header NAME`. */
export function hideHeader([name = '']: readonly string[]): Reading {
  return headerProblem(name, 'hide', 'response') ?? [header('response', { hide: name }, RANK.hide)]
}

/** `add_header NAME VALUE [always]`: without `always` for good statuses only, as in NGINX. */
export function addHeader([name = '', text = '', always]: readonly string[]): Reading {
  if (always !== undefined && always !== 'always') return `${quoted(always)} is refused; allowed: always`
  const parts = headerProblem(name, 'add', 'response') ?? template(text)
  if (typeof parts === 'string') return parts
  const condition = always === undefined ? { statuses: GOOD_STATUSES } : {}
  return valued('add', name, parts, condition).map((change) => header('response', change, RANK.add))
}

/** Options, then one word for each header; what one of them has wrong with it makes the line without effect. */
export function moreHeaders(words: readonly string[], direction: Direction, change: 'set' | 'remove'): Reading {
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

/** `NAME: VALUE`; without a value the header is removed. */
function moreHeader(word: string, direction: Direction, change: 'set' | 'remove', condition: HeaderCondition): Reading {
  const colon = word.indexOf(':')
  const name = (colon < 0 ? word : word.slice(0, colon)).trim()
  const text = colon < 0 || change === 'remove' ? '' : word.slice(colon + 1).replace(/^ +/, '')
  if (text !== '' && direction === 'request') return setRequestHeader(name, text)
  const parts = headerProblem(name, text === '' ? 'remove' : 'set', direction) ?? template(text)
  if (typeof parts === 'string') return parts
  return valued('set', name, parts, condition).map((it) => header(direction, it, RANK.more))
}

type Option = readonly [name: string, items: readonly string[]]

interface Options {
  readonly condition: HeaderCondition
  readonly rest: readonly string[]
}

/** What may stand in the list of an option. */
const OPTIONS: ReadonlyMap<string, { readonly form: RegExp; readonly what: string }> = new Map([
  ['-s', { form: /^[1-9][0-9]{2}$/, what: 'status' }],
  ['-t', { form: /^[\w.+*-]{1,60}\/[\w.+*-]{1,60}$/, what: 'media type' }],
])

/** `-s` and `-t` with their lists; each may stand several times. */
function readOptions(words: readonly string[], direction: Direction): Options | string {
  const pairs: Option[] = []
  let rest = words
  for (; rest[0]?.startsWith('-') === true; rest = rest.slice(2)) {
    const items = (rest[1] ?? '').split(/\s+/).filter((item) => item !== '')
    pairs.push([rest[0], items])
  }
  const problem = pairs.map((pair) => optionProblem(pair, direction)).find((it) => it !== undefined)
  if (problem !== undefined) return problem
  const all = (option: string): readonly string[] => pairs.flatMap(([it, items]) => (it === option ? items : []))
  const isLong = [...OPTIONS.keys()].some((it) => all(it).length > MAX_CONDITIONS)
  if (isLong) return `its lists have more than ${MAX_CONDITIONS} items`
  return { condition: conditionOf(all('-s'), all('-t')), rest }
}

function optionProblem([option, items]: Option, direction: Direction): string | undefined {
  const known = direction === 'request' ? undefined : OPTIONS.get(option)
  if (known === undefined) return `the option ${quoted(option)} is not supported`
  if (items.length === 0) return `the option ${option} has no list`
  const bad = items.find((item) => !known.form.test(item))
  return bad === undefined ? undefined : `${quoted(bad)} is no ${known.what}`
}

function conditionOf(statuses: readonly string[], types: readonly string[]): HeaderCondition {
  return {
    ...(statuses.length === 0 ? {} : { statuses: statuses.map(Number) }),
    ...(types.length === 0 ? {} : { types: types.map((type) => type.toLowerCase()) }),
  }
}

/** What stands for a time without being one. */
const EXPIRES_WORDS: ReadonlyMap<string, Expires | undefined> = new Map([
  ['epoch', { epoch: true }],
  ['max', { max: true }],
  ['off', undefined],
])

/** Times as NGINX writes them, also negative ones. */
export function expires(words: readonly string[]): Reading {
  const [last = '', first] = words.toReversed()
  if (first !== undefined && first !== 'modified') return `${quoted(first)} is refused; allowed: modified`
  if (first === undefined && EXPIRES_WORDS.has(last)) return expiresEffect(EXPIRES_WORDS.get(last))
  const sign = last.startsWith('-') ? -1 : 1
  const parsed = duration(0, LONGEST_EXPIRES)(last.replace(/^[+-]/, ''))
  if (!('value' in parsed)) return `${quoted(last)} is refused; allowed: ${parsed.allowed}, epoch, max, off`
  const seconds = sign * parsed.value
  return expiresEffect(first === undefined ? { seconds } : { seconds, modified: true })
}

function expiresEffect(value: Expires | undefined): Reading {
  return value === undefined ? [] : [header('response', { expires: value }, RANK.expires)]
}
