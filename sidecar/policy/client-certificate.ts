import { objectKey, objectName } from '../ir/object-name.ts'
import type { HostDemand, Json } from '../ir/types.ts'
import { regularExpression } from '../ir/regex.ts'
import { boolean, integer, word, type Parser } from '../ir/value.ts'
import { defined, fields } from '../util/field.ts'
import type { Combined, Policy, PolicyValue, Problem } from './common/policy.ts'
import { choice, flag, group, proxyField, textual, wholeNumber } from './common/proxy-field.ts'
import { reference } from './common/reference.ts'
import { object } from './common/schema.ts'
import { CERTIFICATE_HEADERS } from './common/standard-headers.ts'

const MAX_DEPTH = 100
const MAX_URL = 2048
/** Of certificates between that of the client and the authority; ingress-nginx never says less. */
const DEFAULT_DEPTH = 1
const PREFIX = 'CN='
const URL_FORM = '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$'
/** In place of names that cannot be understood: what is asked of a host holds for others, too. */
const NOBODY = String.raw`[^\s\S]`

/** What a certificate must be to let its client in. */
export interface ClientCertificate {
  /** `namespace/name` of the Secret with the authorities. */
  readonly secret?: string
  readonly verify?: 'on' | 'off' | 'optional' | 'optional_no_ca'
  readonly depth?: number
  /** For the whole common name. */
  readonly match_cn?: string
  readonly error_page?: string
  readonly pass?: boolean
}

/** Something is demanded, and nobody can say what: other objects of the host may rely on it. */
const UNKNOWN: PolicyValue = { unknown: true }

/** Whether a host is to have a policy that could not be understood. */
export function isUnknownDemand(value: Json | undefined): boolean {
  return fields(value).unknown === true
}

/** What the policy wants of handshakes; undefined: nothing. */
export function handshakeDemand(value: Json | undefined): HostDemand | undefined {
  const { secret, verify, depth = DEFAULT_DEPTH }: ClientCertificate = fields(value)
  if (secret === undefined || verify === 'off') return undefined
  return { authority: objectName(secret), depth: Math.max(1, depth) }
}

const commonName: Parser<string> = (text) => {
  if (!text.startsWith(PREFIX)) return { allowed: '"CN=" and a regular expression' }
  const parsed = regularExpression(text.slice(PREFIX.length))
  if (!('value' in parsed) || !/^(|\.[*+])$/.test(parsed.value)) return parsed
  return { ...parsed, warning: 'every name matches; leave it out to accept any' }
}

/** A path would be on a host that demands a certificate; a location of NGINX is nobody's to name. */
const errorPage: Parser<string> = (text) => {
  const isUrl = text.length <= MAX_URL && new RegExp(URL_FORM).test(text)
  return isUrl ? { value: text } : { value: '', warning: 'only a URL with http:// or https:// is taken; the answer is 400 instead' }
}

function withoutSecret(value: PolicyValue): Problem | undefined {
  const asks = value.match_cn !== undefined ? 'match_cn' : value.verify === undefined || value.verify === 'off' ? undefined : 'verify'
  if (asks !== undefined) return { field: asks, message: 'auth-tls-secret is not set', closes: true }
  const other = Object.keys(value).find((field) => field !== 'verify')
  return other === undefined ? undefined : { field: other, message: 'it has no effect without auth-tls-secret' }
}

function combine(value: PolicyValue, refused: ReadonlySet<string>): Combined {
  if (refused.has('secret')) return { value: UNKNOWN, problems: [] }
  if (value.secret === undefined) {
    const problem = withoutSecret(value)
    return { value: {}, problems: problem === undefined ? [] : [problem] }
  }
  const { error_page: page, ...others } = value
  const names = refused.has('match_cn') ? { match_cn: NOBODY } : {}
  return { value: { ...others, ...(page === '' || page === undefined ? {} : { error_page: page }), ...names }, problems: [] }
}

/** What the records of routes and hosts hold; undefined: nothing is demanded. */
export function certificateDemand(value: Json): Json | undefined {
  return effect(value as PolicyValue)
}

function effect(value: PolicyValue): Json | undefined {
  const demand = handshakeDemand(value)
  if (demand === undefined) return undefined
  const { verify = 'on', match_cn, error_page, pass }: ClientCertificate = value
  const others = defined<Json>({ match_cn, error_page, pass: pass === true ? pass : undefined })
  return { authority: `authority/${objectKey(demand.authority)}`, depth: demand.depth, verify, ...others }
}

const members = group({ description: 'Clients need a certificate. It holds for every path of the hosts.', required: ['secret'] }, {
  secret: textual('secret', reference, {
    minLength: 1,
    maxLength: 253,
    pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$',
    description: 'The Secret of the own namespace with the authorities, under the key ca.crt.',
  }),
  verify: choice(
    { On: { verify: 'on' }, Optional: { verify: 'optional' }, OptionalNoCA: { verify: 'optional_no_ca' } },
    'On, when not set: no request without a good certificate. Optional: a client may have none. OptionalNoCA: nor need it be of these authorities.',
  ),
  depth: wholeNumber('depth', [1, MAX_DEPTH], 'How many certificates there may be between that of a client and the authority; 1 when not set.'),
  commonName: textual('match_cn', regularExpression, {
    minLength: 1,
    maxLength: 512,
    description: 'A regular expression for the whole common name; others are answered with 403.',
  }),
  errorPage: textual('error_page', errorPage, {
    minLength: 8,
    maxLength: MAX_URL,
    pattern: URL_FORM,
    description: 'Where clients without a good certificate are sent, in place of an answer with 400.',
  }),
  pass: flag('pass', 'The backend gets the certificate, in the header ssl-client-cert.'),
})

/**
 * Who may come, by a certificate. It is asked for in handshakes, so for a host as a whole: see
 * snapshot/client-certificate.ts.
 */
export const clientCertificate = {
  name: 'client_certificate',
  protects: true,
  fields: {
    secret: {
      annotation: 'auth-tls-secret',
      parse: reference,
      names: 'Secret',
      about: 'Clients of the hosts need a certificate of an authority in `ca.crt` of this Secret: see [authentication.md](authentication.md#client-certificates)',
    },
    verify: {
      annotation: 'auth-tls-verify-client',
      parse: word('on', 'off', 'optional', 'optional_no_ca'),
      about: 'optional: a client may have none; optional_no_ca: nor need the authority be known; off: nothing is asked; on when not set',
    },
    depth: {
      annotation: 'auth-tls-verify-depth',
      parse: integer(0, MAX_DEPTH),
      about: 'How many certificates there may be between that of a client and the authority; 1 when not set or 0',
    },
    match_cn: {
      annotation: 'auth-tls-match-cn',
      parse: commonName,
      about: '`CN=` and a regular expression for the whole common name; others are answered with 403',
    },
    error_page: {
      annotation: 'auth-tls-error-page',
      parse: errorPage,
      about: 'A URL to which clients without a good certificate are sent',
    },
    pass: {
      annotation: 'auth-tls-pass-certificate-to-upstream',
      parse: boolean,
      about: 'The backend gets the certificate, in `ssl-client-cert`',
    },
  },
  combine,
  proxy: { ...proxyField('clientCertificate', members), whole: true },
  ownHeaders: (value) => (handshakeDemand(value) === undefined ? [] : CERTIFICATE_HEADERS),
  runtime: {
    schema: object(
      {
        authority: { type: 'string', pattern: '^authority/[a-z0-9.-]+/[a-z0-9.-]+$' },
        depth: { type: 'integer', minimum: 1, maximum: MAX_DEPTH },
        verify: { enum: ['on', 'optional', 'optional_no_ca'] },
      },
      {
        match_cn: { type: 'string', maxLength: 512 },
        error_page: { type: 'string', maxLength: MAX_URL, pattern: URL_FORM },
        pass: { const: true },
      },
    ),
    effect,
  },
} satisfies Policy
