import { ANY_HOST, isDnsName } from '../ir/names.ts'
import type { Json } from '../ir/types.ts'
import { boolean, word, type Parser } from '../ir/value.ts'
import type { Combined, Policy, PolicyValue, Problem, RouteContext } from './common/policy.ts'
import { choice, exclusive, group, member, pathMember, prefixMember, proxyField, textual, wholeNumber, type Rule } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA } from './common/schema.ts'

/** Those that clients follow. */
const CODES = [301, 302, 303, 307, 308]
const TEMPORARY_CODES = [302, 303, 307]
const PERMANENT = 301
const TEMPORARY = 302
const MAX_URL = 2048

function code(codes: readonly number[]): Parser<number> {
  const parse = word(...codes.map(String))
  return (text) => {
    const parsed = parse(text)
    return 'value' in parsed ? { value: Number(parsed.value) } : parsed
  }
}

/** Characters of RFC 3986, without those that mean something to NGINX or to HTML. */
const URL_PATTERN = String.raw`^https?://[A-Za-z0-9.\[\]:_-]+([/?#][A-Za-z0-9._~:/?#\[\]@!&()*+,=%-]*)?$`
const PATH_PATTERN = /^\/(?!\/)[A-Za-z0-9._~:/?#[\]@!&()*+,=%-]*$/

const URL_ALLOWED = 'a URL such as https://example.com/new, without variables, quotes and ";"'

const url: Parser<string> = (text) =>
  text.length <= MAX_URL && new RegExp(URL_PATTERN).test(text) ? { value: text } : { allowed: URL_ALLOWED }

const urlOrPath: Parser<string> = (text) => {
  if (text.length <= MAX_URL && PATH_PATTERN.test(text)) return { value: text }
  const parsed = url(text)
  return 'value' in parsed ? parsed : { allowed: `a path such as /new, or ${URL_ALLOWED}` }
}

const dnsName: Parser<string> = (text) =>
  isDnsName(text) ? { value: text } : { allowed: 'a DNS name in lower case' }

/** `temporal-redirect` decides over `permanent-redirect`, as in ingress-nginx. */
function combine(value: PolicyValue): Combined {
  const { permanent, permanent_code: permanentCode, temporal, temporal_code: temporalCode, relative } = value
  const problems: Problem[] = []
  const unused = (field: string, given: Json | undefined, needed: string): void => {
    if (given !== undefined) problems.push({ field, message: `it has no effect ${needed}` })
  }
  if (temporal === undefined) unused('temporal_code', temporalCode, 'without temporal-redirect')
  if (permanent === undefined) unused('permanent_code', permanentCode, 'without permanent-redirect')
  if (temporal !== undefined) unused('permanent', permanent, 'beside temporal-redirect')
  const location = temporal ?? permanent
  if (location === undefined) return { value: {}, problems }
  const chosen = temporal === undefined ? (permanentCode ?? PERMANENT) : (temporalCode ?? TEMPORARY)
  const form = relative === undefined ? {} : { relative }
  return { value: { code: chosen, location: texts(String(location)), ...form }, problems }
}

/** A template of text alone, in parts that are short enough. */
function texts(text: string): Json {
  return (text.match(/.{1,256}/gs) ?? []).map((part) => ({ text: part }))
}

/** Nobody's path: what no Ingress of the host takes must not be sent away. */
function effect(value: PolicyValue, { settings, host, fallback }: RouteContext): Json | undefined {
  if (fallback && host === ANY_HOST) return undefined
  const { relative = settings.relativeRedirects, ...rest } = value
  const isRelative = relative === true && rest.location !== undefined
  return { code: settings.httpRedirectCode, ...rest, ...(isRelative ? { relative: true } : {}) }
}

const partsOfUrl = ['scheme', 'host', 'port', 'path', 'prefix']

const urlAlone: Rule = {
  cel: `!has(self.url) || !(${partsOfUrl.map((name) => `has(self.${name})`).join(' || ')})`,
  message: `url says all of it: ${partsOfUrl.join(', ')} may not stand beside it`,
  holds: (members) => members.url === undefined || partsOfUrl.every((name) => members[name] === undefined),
}

const somewhereElse: Rule = {
  cel: ['url', ...partsOfUrl].map((name) => `has(self.${name})`).join(' || '),
  message: `a redirect needs one of ${['url', ...partsOfUrl].join(', ')}`,
  holds: (members) => ['url', ...partsOfUrl].some((name) => members[name] !== undefined),
}

const members = group(
  {
    description: 'The client is sent elsewhere; what is not said stays as the client asked for it, the query too.',
    rules: [urlAlone, somewhereElse, exclusive('path', 'prefix')],
  },
  {
    code: member(
      'code',
      { type: 'integer', enum: CODES, description: 'Status of the answer; 302 when not set. 307 and 308 keep the method.' },
      (value) => ({ value }),
    ),
    url: textual('url', url, { minLength: 1, maxLength: MAX_URL, pattern: URL_PATTERN, description: 'The whole URL.' }),
    scheme: choice({ http: { scheme: 'http' }, https: { scheme: 'https' } }, 'Scheme of the URL.'),
    host: textual('host', dnsName, { minLength: 1, maxLength: 253, pattern: '^[a-z0-9.-]+$', description: 'Host of the URL.' }),
    port: wholeNumber('port', [1, 65_535], 'Port of the URL; with scheme and without port it is that of the scheme.'),
    path: pathMember('path', 'The whole path; $1 to $9 stand for what groups of a path of type Regex matched.'),
    prefix: prefixMember('prefix'),
  },
)

function ofProxy({ url: location, ...rest }: PolicyValue): PolicyValue {
  return { code: TEMPORARY, ...rest, ...(location === undefined ? {} : { location: texts(String(location)) }) }
}

/** The client is sent elsewhere, before anything else is asked for (ingress-nginx: before lists and limits, too). */
export const redirect = {
  name: 'redirect',
  fields: {
    permanent: { annotation: 'permanent-redirect', parse: urlOrPath, about: 'Clients are sent there; path and query are not added' },
    permanent_code: { annotation: 'permanent-redirect-code', parse: code(CODES), about: 'With which status; 301 when not set' },
    temporal: { annotation: 'temporal-redirect', parse: url, about: 'As `permanent-redirect`, which it decides over' },
    temporal_code: { annotation: 'temporal-redirect-code', parse: code(TEMPORARY_CODES), about: 'With which status; 302 when not set' },
    relative: {
      annotation: 'relative-redirects',
      parse: boolean,
      about: 'A `permanent-redirect` that is a path stays one; else the URL has scheme and host, too',
    },
  },
  combine,
  merge: (_below, above) => above,
  proxy: proxyField('redirect', members, ofProxy),
  runtime: {
    schema: object(
      { code: { enum: CODES } },
      {
        location: TEMPLATE_SCHEMA,
        scheme: { enum: ['http', 'https'] },
        host: { type: 'string', pattern: '^[a-z0-9.-]+$' },
        port: { type: 'integer', minimum: 1, maximum: 65_535 },
        path: TEMPLATE_SCHEMA,
        prefix: { type: 'string', pattern: '^/' },
        relative: { const: true },
      },
    ),
    effect,
  },
} satisfies Policy
