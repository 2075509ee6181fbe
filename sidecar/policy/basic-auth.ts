import { htpasswdName, type HtpasswdForm } from '../ir/htpasswd.ts'
import { objectName } from '../ir/object-name.ts'
import type { Json } from '../ir/types.ts'
import { word, type Parser } from '../ir/value.ts'
import { fields } from '../util/field.ts'
import { needsNoLogin } from './common/no-auth.ts'
import type { Combined, Policy, PolicyValue, Problem, RouteContext } from './common/policy.ts'
import { choice, group, proxyField, textual } from './common/proxy-field.ts'
import { reference } from './common/reference.ts'
import { object } from './common/schema.ts'

const FORMS = ['auth-file', 'auth-map'] as const
const MAX_REALM = 256

const authType: Parser<string> = (text) =>
  text === 'basic' ? { value: text } : { allowed: '"basic"; digest authentication is not supported' }

/** It stands between quotes in a header; what would end them is escaped there, and nothing is expanded. */
const realm: Parser<string> = (text) =>
  /^[ -~]{1,256}$/.test(text) ? { value: text } : { allowed: `at most ${MAX_REALM} printable characters of ASCII` }

/** The name of the record of users that a policy value needs; undefined: none. */
export function usersOf(value: Json | undefined): string | undefined {
  const { secret, form = 'auth-file' } = fields(value)
  return typeof secret === 'string' ? htpasswdName(objectName(secret), form as HtpasswdForm) : undefined
}

/** Without a type ingress-nginx asks for nothing; who names users means to keep others out. */
function combine(value: PolicyValue, refused: ReadonlySet<string>): Combined {
  const problems: Problem[] = []
  if (value.type === undefined && !refused.has('type')) {
    if (value.secret !== undefined) problems.push({ field: 'secret', message: 'auth-type is not set', closes: true })
    else problems.push({ field: 'realm', message: 'it has no effect without auth-type and auth-secret' })
  } else if (value.secret === undefined && !refused.has('secret')) {
    problems.push({ field: 'type', message: 'auth-secret is not set', closes: true })
  }
  return { value: value.secret === undefined ? {} : value, problems }
}

function effect(value: PolicyValue, context: RouteContext): Json | undefined {
  const users = usersOf(value)
  return users === undefined || needsNoLogin(context) ? undefined : { users: `htpasswd/${users}`, realm: value.realm ?? '' }
}

const members = group({ description: 'Only who has a name and a password may come; others are answered with 401.', required: ['secret'] }, {
  secret: textual('secret', reference, {
    minLength: 1,
    maxLength: 253,
    pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$',
    description: 'The Secret of the own namespace with the users and the hashes of their passwords.',
  }),
  form: choice(
    { File: { form: 'auth-file' }, Map: { form: 'auth-map' } },
    'File, when not set: the Secret has the key auth with a htpasswd file. Map: each of its keys is a user.',
  ),
  realm: textual('realm', realm, {
    minLength: 1,
    maxLength: MAX_REALM,
    pattern: '^[ -~]+$',
    description: 'What browsers show when they ask for the password.',
  }),
})

/** Who may come, by name and password. */
export const basicAuth = {
  name: 'basic_auth',
  protects: true,
  fields: {
    type: {
      annotation: 'auth-type',
      parse: authType,
      about: 'Only who has a name and a password may come; others are answered with 401',
    },
    secret: {
      annotation: 'auth-secret',
      parse: reference,
      names: 'Secret',
      about: 'The Secret with the users and the hashes of their passwords: see [authentication.md](authentication.md)',
    },
    form: {
      annotation: 'auth-secret-type',
      parse: word(...FORMS),
      about: 'auth-file, when not set: the Secret has the key `auth` with a htpasswd file; auth-map: each key is a user',
    },
    realm: { annotation: 'auth-realm', parse: realm, about: 'What browsers show when they ask for the password' },
  },
  combine,
  threads: (value) => usersOf(value) !== undefined,
  proxy: proxyField('basicAuth', members, (value) => ({ type: 'basic', ...value })),
  runtime: {
    schema: object({
      users: { type: 'string', pattern: '^htpasswd/[a-z0-9.-]+/[a-z0-9.-]+(@map)?$' },
      realm: { type: 'string', pattern: '^[ -~]*$', maxLength: MAX_REALM },
    }),
    effect,
  },
} satisfies Policy
