import { parseAddress } from '../ir/address.ts'
import { isDnsName, quoted } from '../ir/names.ts'
import type { Json } from '../ir/types.ts'
import { boolean, integer, list, type Parser } from '../ir/value.ts'
import { defined } from '../util/field.ts'
import type { Combined, Policy, PolicyValue } from './common/policy.ts'
import { duration, flag, group, member, proxyField, type Member } from './common/proxy-field.ts'
import { object, type Schema } from './common/schema.ts'

const MAX_ITEMS = 100
const MAX_AGE = 31_536_000
const ANY = '*'

/** Those of ingress-nginx. */
const DEFAULT_METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']
const DEFAULT_HEADERS = [
  'DNT', 'Keep-Alive', 'User-Agent', 'X-Requested-With', 'If-Modified-Since', 'Cache-Control', 'Content-Type', 'Range',
  'Authorization',
]
const DEFAULT_MAX_AGE = 1_728_000

const ORIGIN = /^[a-z][a-z0-9+.-]{0,31}:\/\/(\*\.)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/

/** As browsers send it: in lower case, without a path; `*.` at the begin of the host is one label. */
const origin: Parser<string> = (text) => {
  const value = text.slice(0, 300).toLowerCase()
  const match = ORIGIN.exec(value)
  const isGood = value === ANY || value === 'null' || (match !== null && isHostPort(match))
  return isGood ? { value } : { allowed: '"*", "null", or scheme://host[:port] such as https://*.example.com' }
}

function isHostPort([, wildcard, host = '', port = '1']: RegExpExecArray): boolean {
  const isHost = isDnsName(host) || (wildcard === undefined && isAddress(host))
  return isHost && Number(port) >= 1 && Number(port) <= 65_535
}

function isAddress(host: string): boolean {
  return parseAddress(host.replace(/^\[(.*)\]$/, '$1')) !== undefined
}

/**
 * Those that can be read, with a warning about others, which stay strangers; none of these: refused. As in
 * ingress-nginx "*" may stand among others, and blanks are no list.
 */
const origins: Parser<readonly string[]> = (text) => {
  if (text === '') return { value: [ANY] }
  const parts = list((part) => ({ value: part }), MAX_ITEMS)(text)
  if (!('value' in parts)) return parts
  if (parts.value.includes(ANY)) return { value: [ANY] }
  const bad = parts.value.filter((part) => 'allowed' in origin(part))
  if (bad.length === 0 || bad.length === parts.value.length) return list(origin, MAX_ITEMS)(text)
  const parsed = list(origin, MAX_ITEMS)(parts.value.filter((part) => !bad.includes(part)).join())
  return { ...parsed, warning: `left out, since no origin is written so: ${quoted(bad.join(', '))}` }
}

const method: Parser<string> = (text) =>
  /^[A-Za-z]{1,32}$/.test(text) ? { value: text } : { allowed: 'a method' }

const headerName: Parser<string> = (text) =>
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(text) ? { value: text } : { allowed: 'the name of a header, or "*"' }

/** Without all of the origins it is not known who may read an answer: nobody then. */
function combine(value: PolicyValue, refused: ReadonlySet<string>): Combined {
  if (value.enable !== true) {
    const [field] = Object.keys(value).filter((name) => name !== 'enable')
    if (field === undefined || value.enable === false) return { value, problems: [] }
    return { value, problems: [{ field, message: 'it has no effect without enable-cors: "true"' }] }
  }
  if (!refused.has('origins')) return { value, problems: [] }
  const message = 'there are no CORS headers, since cors-allow-origin is refused'
  return { value: { ...value, enable: false }, problems: [{ field: 'enable', message }] }
}

function joined(items: Json | undefined, otherwise?: readonly string[]): string | undefined {
  const all = Array.isArray(items) ? (items as readonly string[]) : otherwise
  return all?.join(', ')
}

function effect(value: PolicyValue): Json | undefined {
  if (value.enable !== true) return undefined
  const origins = Array.isArray(value.origins) ? (value.origins as readonly string[]) : [ANY]
  return defined<Json>({
    origins: origins.includes(ANY) ? [ANY] : [...new Set(origins)],
    methods: joined(value.methods, DEFAULT_METHODS),
    headers: joined(value.headers, DEFAULT_HEADERS),
    expose: joined(value.expose),
    credentials: value.credentials === false ? undefined : true,
    max_age: value.max_age ?? DEFAULT_MAX_AGE,
  })
}

function names(field: string, parse: Parser<string>, description: string): Member {
  const schema: Schema = {
    type: 'array',
    description,
    items: { type: 'string', minLength: 1, maxLength: 300 },
    minItems: 1,
    maxItems: MAX_ITEMS,
  }
  return member(field, schema, (value) => list(parse, MAX_ITEMS)((value as readonly string[]).join(',')))
}

const members = group('Which pages of other origins may send requests and read answers; preflights get 204 here.', {
  allowOrigins: names('origins', origin, 'Origins such as https://example.com, https://*.example.com (one label) or "*", which is the default.'),
  allowMethods: names('methods', method, `Methods; ${DEFAULT_METHODS.join(', ')} when not set.`),
  allowHeaders: names('headers', headerName, 'Headers of requests; those that are common when not set.'),
  exposeHeaders: names('expose', headerName, 'Headers of answers that pages may read.'),
  allowCredentials: flag('credentials', 'Whether requests may carry cookies and the like; true when not set.'),
  maxAge: duration('max_age', [0, MAX_AGE], 'How long browsers may keep the answer to a preflight; 480h when not set.'),
})

const TOKENS: Schema = { type: 'string', pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+(, [A-Za-z0-9!#$%&'*+.^_`|~-]+)*$" }

/** Cross-origin requests of browsers, as the Fetch standard has them. */
export const cors = {
  name: 'cors',
  fields: {
    enable: { annotation: 'enable-cors', parse: boolean, about: 'Preflights get 204 here, and answers say which pages may read them' },
    origins: {
      annotation: 'cors-allow-origin',
      parse: origins,
      about: 'Which origins; "*", every one, when not set. What is none is left out; without any other: no CORS headers at all',
    },
    methods: { annotation: 'cors-allow-methods', parse: list(method, MAX_ITEMS), about: `Which methods; ${DEFAULT_METHODS.join(', ')} when not set` },
    headers: { annotation: 'cors-allow-headers', parse: list(headerName, MAX_ITEMS), about: `Which headers of requests; ${DEFAULT_HEADERS.join(', ')} when not set` },
    expose: { annotation: 'cors-expose-headers', parse: list(headerName, MAX_ITEMS), about: 'Which headers of answers pages may read' },
    credentials: { annotation: 'cors-allow-credentials', parse: boolean, about: 'Whether requests may carry cookies; true when not set' },
    max_age: { annotation: 'cors-max-age', parse: integer(0, MAX_AGE), about: 'How many seconds a preflight holds; 1728000 when not set' },
  },
  combine,
  proxy: proxyField('cors', members, (value) => ({ enable: true, ...value })),
  filters: (value) => value.enable === true,
  runtime: {
    schema: object(
      {
        origins: { type: 'array', items: { type: 'string', pattern: String.raw`^(\*|null|[a-z][a-z0-9+.-]*://.+)$` }, minItems: 1, maxItems: MAX_ITEMS },
        methods: TOKENS,
        headers: TOKENS,
        max_age: { type: 'integer', minimum: 0, maximum: MAX_AGE },
      },
      { expose: TOKENS, credentials: { const: true } },
    ),
    effect,
  },
} satisfies Policy
