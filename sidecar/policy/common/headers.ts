/**
 * Changes of headers, of requests and of answers alike. The value of such a policy has one member for each
 * header, by its name in lower case: so each can be said by somebody else, and explained.
 */
import { quoted } from '../../ir/names.ts'
import type { HeaderMap } from '../../ir/header-text.ts'
import { textTemplate, type TemplatePart } from '../../ir/template.ts'
import type { Json } from '../../ir/types.ts'
import { fields, items } from '../../util/field.ts'
import type { PolicyValue } from './policy.ts'
import { object, TEMPLATE_SCHEMA, type Members, type Schema } from './schema.ts'
import { STANDARD_HEADERS } from './standard-headers.ts'

/** One step; those of a header run in order. An empty value removes, or adds nothing. */
export type HeaderChange =
  | ({ readonly set: string; readonly value: readonly TemplatePart[] } & HeaderCondition)
  | ({ readonly add: string; readonly value: readonly TemplatePart[] } & HeaderCondition)
  /** A `*` at the end of the name: all that begin so. */
  | ({ readonly remove: string } & HeaderCondition)
  /** As `remove`, of what the backend says; an answer of ours keeps its own. */
  | { readonly hide: string }
  | { readonly expires: Expires }

/** How long an answer may be kept, as `expires` of NGINX says it; `modified`: from its last change on. */
export type Expires =
  | { readonly epoch: true }
  | { readonly max: true }
  | { readonly seconds: number; readonly modified?: true }

/** Of answers: only those of these statuses, and of these media types, in lower case. */
export interface HeaderCondition {
  readonly statuses?: readonly number[]
  readonly types?: readonly string[]
}

export type Direction = 'request' | 'response'

/** Steps that one object may ask for; each costs something per request. */
export const MAX_HEADERS = 64
const MAX_NAME = 128

/** What tells where a message ends and what a connection is for: theirs who speak on it. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection', 'content-length', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
])

/** A request has one of each of these, and who it is from must not be doubted. */
const SINGLE = {
  request: new Set<string>(['authorization', 'content-type', 'cookie', 'forwarded', ...STANDARD_HEADERS]),
  response: new Set<string>([
    'content-encoding', 'content-type', 'date', 'etag', 'expires', 'last-modified', 'location',
  ]),
}

type Change = 'set' | 'add' | 'remove' | 'hide'

/** Why a header of this name cannot be changed so; undefined: it can. */
export function headerProblem(name: string, change: Change, direction: Direction): string | undefined {
  const lower = name.toLowerCase()
  if (!isName(change === 'remove' && name !== '*' ? name.replace(/\*$/, '') : name)) {
    return `${quoted(name)} is not the name of a header: 1 to ${MAX_NAME} of A-Z, a-z, 0-9 and !#$%&'*+.^_\`|~-`
  }
  if (FRAMING.has(lower)) return `${name} belongs to the connection and cannot be changed`
  if (change === 'add' && SINGLE[direction].has(lower)) return `there is one ${name}: it can be set, not added`
  return direction === 'request' ? requestProblem(lower, change) : responseProblem(lower, change)
}

function requestProblem(lower: string, change: Change): string | undefined {
  // CGI programs take it for an address of theirs ("httpoxy").
  if (lower === 'proxy') return 'no backend ever gets a header Proxy'
  return lower === 'host' && change !== 'set' ? 'a request always has a Host' : undefined
}

/** What NGINX is, is nobody's business; OpenResty clears the header after Lua could set it. */
function responseProblem(lower: string, change: Change): string | undefined {
  return lower === 'server' && (change === 'set' || change === 'add') ? 'answers have no Server' : undefined
}

/** A token of RFC 9110. */
function isName(text: string): boolean {
  return text.length <= MAX_NAME && /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text)
}

/**
 * Several steps as a value of a policy: by name, in the order of their last steps, so that what is removed by a
 * wildcard can be set again after it.
 */
export function byName(changes: readonly HeaderChange[]): PolicyValue {
  const value = new Map<string, HeaderChange[]>()
  for (const change of changes) {
    const name = nameOf(change).toLowerCase()
    const before = value.get(name) ?? []
    value.delete(name)
    value.set(name, [...before, change])
  }
  return Object.fromEntries(value) as unknown as PolicyValue
}

/** The name that a step belongs to, in its own case. */
export function nameOf(change: HeaderChange): string {
  if ('set' in change) return change.set
  if ('add' in change) return change.add
  if ('remove' in change) return change.remove
  return 'hide' in change ? change.hide : 'expires'
}

/** What is said above of a header holds alone, and after everything said below. */
export function mergeHeaders(below: PolicyValue, above: PolicyValue): PolicyValue {
  const others = Object.entries(below).filter(([name]) => !(name in above))
  return { ...Object.fromEntries(others), ...above }
}

/**
 * The steps of a route, as Lua reads them, with a step before for each header of the settings (`common`) that they are
 * about: it then takes part like any other.
 */
export function changesBeside(value: PolicyValue, { headers }: HeaderMap): readonly Json[] {
  const isChanged = (lower: string): boolean =>
    Object.entries(value).some(([name, changes]) => isAbout(name, lower) && !items(changes).every((it) => 'hide' in fields(it)))
  const taken = headers.map(({ name }) => name.toLowerCase()).filter(isChanged)
  return [...taken.map((take) => ({ take })), ...changesOf(value)]
}

/** `expires` is a step of its own, about two headers. */
function isAbout(name: string, header: string): boolean {
  if (name.endsWith('*')) return header.startsWith(name.slice(0, -1))
  return name === header || (name === 'expires' && header === 'cache-control')
}

/** The steps in order, as Lua reads them. */
export function changesOf(value: PolicyValue): readonly Json[] {
  return Object.values(value).flatMap((changes) => changes as readonly Json[])
}

/** Of the name of a header. */
export const NAME_SCHEMA: Schema = { type: 'string', pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", maxLength: MAX_NAME }

/** Schema of what Lua reads; `conditions` and `more` steps are those of answers. */
export function changesSchema(conditions: Members = {}, more: readonly Schema[] = []): Schema {
  const valued = { value: TEMPLATE_SCHEMA }
  const steps = [
    object({ set: NAME_SCHEMA, ...valued }, conditions),
    object({ add: NAME_SCHEMA, ...valued }, conditions),
    object({ remove: NAME_SCHEMA }, conditions),
    object({ take: NAME_SCHEMA }),
    ...more,
  ]
  return { type: 'array', items: { oneOf: steps }, minItems: 1 }
}

/** The spelling of a Proxy: `{set: {NAME: text}, add: {NAME: text}, remove: [NAME]}`. */
export function headersField(what: string): Schema {
  const named = (about: string): Schema => ({
    type: 'object',
    description: about,
    additionalProperties: { type: 'string', maxLength: 4096 },
    maxProperties: 32,
  })
  return {
    type: 'object',
    description: `${what} Values may have variables of a list, such as $req_id, $host and ${'${arg_user}'}.`,
    properties: {
      set: named('Headers by name, with their values: instead of what was there. An empty value removes the header.'),
      add: named('Headers by name, with their values: beside what was there.'),
      remove: {
        type: 'array',
        description: 'Names of headers that go; a "*" at the end stands for everything that begins so.',
        items: { type: 'string', minLength: 1, maxLength: MAX_NAME },
        maxItems: 32,
      },
    },
  }
}

/** Reads the spelling of a Proxy; text: what is wrong. */
export function readHeaders(value: Json, direction: Direction): PolicyValue | string {
  const { set, add, remove } = fields(value)
  const changes: HeaderChange[] = []
  const texts = [...entries(set).map((it) => ['set', ...it] as const), ...entries(add).map((it) => ['add', ...it] as const)]
  for (const name of items(remove).map(String)) {
    const problem = headerProblem(name, 'remove', direction)
    if (problem !== undefined) return problem
    changes.push({ remove: name })
  }
  for (const [change, name, text] of texts) {
    const parsed = textTemplate(text)
    const problem = headerProblem(name, change, direction)
    if (problem !== undefined) return problem
    if (!('value' in parsed)) return `${name}: ${quoted(text)} is refused; allowed: ${parsed.allowed}`
    changes.push(...valued(change, name, parsed.value))
  }
  return byName(changes)
}

/** A step with a value; without one it removes, or does nothing. */
export function valued(
  change: 'set' | 'add',
  name: string,
  value: readonly TemplatePart[],
  condition: HeaderCondition = {},
): HeaderChange[] {
  if (value.length > 0) return [change === 'set' ? { set: name, value, ...condition } : { add: name, value, ...condition }]
  return change === 'set' ? [{ remove: name, ...condition }] : []
}

function entries(value: unknown): [string, string][] {
  return Object.entries(fields(value)).map(([name, text]) => [name, String(text)])
}
