import { isDnsName } from '../ir/names.ts'
import type { Json } from '../ir/types.ts'
import { boolean, word, type Parser } from '../ir/value.ts'
import { defined } from '../util/field.ts'
import type { Combined, Policy, PolicyValue, RouteContext } from './common/policy.ts'
import { choice, duration, flag, group, proxyField, textual } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

/** As in ingress-nginx. */
const DEFAULT_NAME = 'INGRESSCOOKIE'
const MAX_SECONDS = 999_999_999
const MAX_PATH = 512
/** Browsers keep no cookie longer. */
const LONGEST = 400 * 86_400
const SAME_SITE = ['None', 'Lax', 'Strict'] as const

const TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
const PATH = '^/[!-:<-~]*$'

/** A token of RFC 9110, which is what RFC 6265 makes the name of a cookie of. */
export const token: Parser<string> = (text) =>
  new RegExp(TOKEN).test(text) && text.length <= 128
    ? { value: text }
    : { allowed: "1 to 128 of A-Z, a-z, 0-9 and !#$%&'*+.^_`|~-" }

const path: Parser<string> = (text) =>
  new RegExp(PATH).test(text) && text.length <= MAX_PATH
    ? { value: text }
    : { allowed: `a path that begins with "/", of at most ${MAX_PATH} printable ASCII characters but ";" and the space` }

const domain: Parser<string> = (text) => {
  const value = text.slice(0, 255).toLowerCase()
  return isDnsName(value.replace(/^\./, '')) ? { value } : { allowed: 'a DNS name, with or without a "." before it' }
}

/** Negative: the cookie is to go at once. */
const lifetime: Parser<number> = (text) =>
  /^-?[0-9]{1,9}$/.test(text) ? { value: Number(text) } : { allowed: 'a whole number of seconds of at most 9 digits' }

const sameSite: Parser<string> = (text) => {
  const value = SAME_SITE.find((it) => it.toLowerCase() === text.toLowerCase())
  return value === undefined ? { allowed: `one of ${SAME_SITE.join(', ')}` } : { value }
}

function combine(value: PolicyValue): Combined {
  const [field] = Object.keys(value).filter((name) => name !== 'canary_behavior')
  if (value.type !== undefined || field === undefined) return { value, problems: [] }
  return { value, problems: [{ field, message: 'it has no effect without "affinity: cookie"' }] }
}

/**
 * Where the browser sends the cookie: below the route's path, or below as much of it as a cookie can
 * name. Regular expressions have no such path.
 */
function routePath(context: RouteContext): string {
  if (context.pathType === 'Regex') return '/'
  // The path of a cookie covers what is below it, with or without a slash at its end.
  const path = context.path.replace(/(.)\/$/, '$1')
  const readable = /^[!-:<-~]*/.exec(path.slice(0, MAX_PATH))?.[0] ?? ''
  return readable === path ? path : readable.slice(0, readable.lastIndexOf('/') + 1)
}

function effect(value: PolicyValue, context: RouteContext): Json | undefined {
  if (value.type !== 'cookie') return undefined
  return defined({
    name: value.name ?? DEFAULT_NAME,
    mode: value.mode ?? 'balanced',
    path: value.path ?? routePath(context),
    domain: value.domain,
    max_age: value.max_age,
    expires: value.expires,
    same_site: value.same_site,
    conditional_same_site_none: value.conditional_same_site_none === true ? true : undefined,
    // Unset, Secure follows the scheme of the request, as it does with `false` in ingress-nginx.
    secure: value.secure === true ? true : undefined,
    change_on_failure: value.change_on_failure === true ? true : undefined,
  })
}

const proxyCookie = group('The cookie; {} is one with the defaults.', {
  name: textual('name', token, { description: 'INGRESSCOOKIE when not set.', minLength: 1, maxLength: 128, pattern: TOKEN }),
  path: textual('path', path, { description: 'Path of the cookie; that of the rule when not set.', maxLength: MAX_PATH, pattern: PATH }),
  domain: textual('domain', domain, { description: 'Domain of the cookie.', minLength: 1, maxLength: 254 }),
  maxAge: duration('max_age', [0, LONGEST], 'Max-Age of the cookie; without it the cookie ends with the browser.'),
  expires: duration('expires', [0, LONGEST], 'Expires of the cookie, from now on.'),
  sameSite: choice(
    Object.fromEntries(SAME_SITE.map((it) => [it, { same_site: it }])), 'SameSite of the cookie.',
  ),
  conditionalSameSiteNone: flag('conditional_same_site_none', 'Leaves out SameSite=None for browsers that take it for Strict.'),
  secure: flag('secure', 'Secure also over plain HTTP; over TLS it is always there.'),
  changeOnFailure: flag('change_on_failure', 'A failed try gives the client a new endpoint and a new cookie.'),
})

const proxy = proxyField(
  'affinity',
  group({ description: 'Requests that bring the cookie of an earlier answer go to the same endpoint.', required: ['cookie'] }, {
    cookie: proxyCookie,
    mode: choice(
      { Balanced: { mode: 'balanced' }, Persistent: { mode: 'persistent' } },
      'When endpoints come or go: Balanced moves some clients to new ones, Persistent none. Balanced when not set.',
    ),
    canaryBehavior: choice(
      { Sticky: { canary_behavior: 'sticky' }, Legacy: { canary_behavior: 'legacy' } },
      'Of a canary: Legacy lets its rules decide before the cookie. Sticky when not set.',
    ),
  }),
  (value) => ({ type: 'cookie', ...value }),
)

/** Requests that bring the cookie go to the endpoint that it stands for. */
export const affinity = {
  name: 'affinity',
  fields: {
    type: {
      annotation: 'affinity',
      parse: word('cookie'),
      about: 'Requests that bring the cookie of an earlier answer go to the same endpoint',
    },
    mode: {
      annotation: 'affinity-mode',
      parse: word('balanced', 'persistent'),
      about: 'When endpoints come or go: `balanced` moves some clients to new ones, `persistent` none',
    },
    // Read where canaries are attached to their main route.
    canary_behavior: {
      annotation: 'affinity-canary-behavior',
      parse: word('sticky', 'legacy'),
      about: 'At a canary or its main Ingress: `legacy` lets canary rules decide before the cookie',
    },
    name: {
      annotation: 'session-cookie-name',
      parse: token,
      about: 'Name of the cookie; INGRESSCOOKIE when not set',
    },
    path: {
      annotation: 'session-cookie-path',
      parse: path,
      about: 'Path of the cookie; that of the route when not set, "/" with `use-regex`',
    },
    domain: { annotation: 'session-cookie-domain', parse: domain, about: 'Domain of the cookie' },
    max_age: { annotation: 'session-cookie-max-age', parse: lifetime, about: 'Max-Age of the cookie' },
    expires: { annotation: 'session-cookie-expires', parse: lifetime, about: 'Expires of the cookie, from now on' },
    same_site: { annotation: 'session-cookie-samesite', parse: sameSite, about: 'SameSite of the cookie' },
    conditional_same_site_none: {
      annotation: 'session-cookie-conditional-samesite-none',
      parse: boolean,
      about: 'Leaves out SameSite=None for browsers that take it for Strict',
    },
    secure: {
      annotation: 'session-cookie-secure',
      parse: boolean,
      about: 'Secure also over plain HTTP; over TLS it is always there',
    },
    change_on_failure: {
      annotation: 'session-cookie-change-on-failure',
      parse: boolean,
      about: 'A failed try gives the client a new endpoint and a new cookie',
    },
  },
  proxy,
  combine,
  runtime: {
    schema: object(
      { name: { type: 'string', pattern: '^[^ ;=]+$' }, mode: { enum: ['balanced', 'persistent'] } },
      {
        path: { type: 'string', pattern: '^/[!-:<-~]*$', maxLength: MAX_PATH },
        domain: { type: 'string', pattern: '^[a-z0-9.-]+$' },
        max_age: { type: 'integer', minimum: -MAX_SECONDS, maximum: MAX_SECONDS },
        expires: { type: 'integer', minimum: -MAX_SECONDS, maximum: MAX_SECONDS },
        same_site: { enum: [...SAME_SITE] },
        conditional_same_site_none: { const: true },
        secure: { const: true },
        change_on_failure: { const: true },
      },
    ),
    effect,
  },
} satisfies Policy
