import { cipherList } from '../ir/ciphers.ts'
import { isDnsName } from '../ir/names.ts'
import type { Json, PolicySet } from '../ir/types.ts'
import { integer, list, onOff, word, type Parser } from '../ir/value.ts'
import {
  contentFile, directive, hostName, keyword, number, onOff as printed, opensslNames, variableOf, type Directive,
} from '../syntax/directive.ts'
import { fields } from '../util/field.ts'
import type { Policy, PolicyValue } from './common/policy.ts'
import { flag, group, member, proxyField, textual, wholeNumber } from './common/proxy-field.ts'
import { reference } from './common/reference.ts'
import { object } from './common/schema.ts'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
const DEPTH = [0, 100] as const
const LONGEST_CIPHERS = 1024

/** NGINX takes a chain of one certificate more than it says; ingress-nginx never says less than 1. */
const DEFAULT_DEPTH = 1

const trimmed = <T>(parse: Parser<T>): Parser<T> => (text) => parse(text.trim())

/** The name that the certificate of a backend must have. */
const name: Parser<string> = (text) => {
  const value = text.trim().toLowerCase()
  return isDnsName(value) ? { value } : { allowed: 'a DNS name, without variables' }
}

const versions: Parser<readonly string[]> = (text) => {
  const parsed = list(word(...VERSIONS), VERSIONS.length)(text)
  return 'value' in parsed ? { value: VERSIONS.filter((it) => parsed.value.includes(it)) } : parsed
}

/**
 * What the translation found in the Secret (source/secret/backend-tls.ts): the digest of the file with the
 * authorities, and whether there is a certificate of ours.
 */
export interface BackendTls {
  readonly secret?: string
  readonly authority?: string
  readonly identity?: true
  readonly verify?: boolean
  readonly depth?: number
  readonly name?: string
  readonly server_name?: boolean
  readonly protocols?: readonly string[]
  readonly ciphers?: string
}

/** Whose certificate backends of a route see: `namespace/name` of the Secret; undefined: nobody's. */
export function backendIdentity(policies: PolicySet): string | undefined {
  const { identity, secret }: BackendTls = fields(policies.backend_tls)
  return identity === true ? secret : undefined
}

/** The digest of the authorities that backends of a route are verified with. */
export function backendAuthority(policies: PolicySet): string | undefined {
  const { verify, authority }: BackendTls = fields(policies.backend_tls)
  return verify === true ? authority : undefined
}

/** `namespace/name` of the Secret with these authorities. */
export function backendAuthoritySecret(policies: PolicySet): string | undefined {
  const { secret }: BackendTls = fields(policies.backend_tls)
  return backendAuthority(policies) === undefined ? undefined : secret
}

/** NGINX has no session with a backend that it would take up again, as endpoints come from Lua: nothing to turn off. */
function directives(value: PolicyValue): readonly Directive[] {
  const tls: BackendTls = value
  return [
    ...identityLines(tls),
    ...verificationLines(tls),
    ...(tls.name === undefined ? [] : [directive('proxy_ssl_name', hostName(tls.name))]),
    ...(tls.server_name === true ? [directive('proxy_ssl_server_name', printed(true))] : []),
    ...(tls.protocols === undefined ? [] : [directive('proxy_ssl_protocols', ...tls.protocols.map((it) => keyword(it)))]),
    ...(tls.ciphers === undefined ? [] : [directive('proxy_ssl_ciphers', opensslNames(tls.ciphers.split(':')))]),
  ]
}

function identityLines({ identity }: BackendTls): readonly Directive[] {
  if (identity !== true) return []
  return [
    directive('proxy_ssl_certificate', variableOf('backend_certificate')),
    directive('proxy_ssl_certificate_key', variableOf('backend_certificate_key')),
  ]
}

function verificationLines({ verify, authority, depth = DEFAULT_DEPTH }: BackendTls): readonly Directive[] {
  if (verify !== true || authority === undefined) return []
  return [
    directive('proxy_ssl_verify', printed(true)),
    directive('proxy_ssl_verify_depth', number(Math.max(1, depth), 1, DEPTH[1])),
    directive('proxy_ssl_trusted_certificate', contentFile(authority)),
  ]
}

const NAME = { description: 'The name that the certificate of the backends must have, and that they are told.', minLength: 1, maxLength: 253 }

/** TLS to the backends of a route, and only of this route: connections are never shared with others. */
export const backendTls = {
  name: 'backend_tls',
  protects: true,
  fields: {
    secret: {
      annotation: 'proxy-ssl-secret',
      parse: trimmed(reference),
      names: 'Secret',
      about: 'The Secret with the authorities that backends are verified with (ca.crt) and our certificate (tls.crt, tls.key)',
    },
    verify: { annotation: 'proxy-ssl-verify', parse: trimmed(onOff), about: 'Whether certificates of backends are verified' },
    depth: {
      annotation: 'proxy-ssl-verify-depth',
      parse: trimmed(integer(...DEPTH)),
      about: 'How many certificates there may be between that of a backend and the authority',
    },
    name: { annotation: 'proxy-ssl-name', parse: name, about: 'The name that certificates of backends must have' },
    server_name: { annotation: 'proxy-ssl-server-name', parse: trimmed(onOff), about: 'Whether backends are told that name (SNI)' },
    protocols: { annotation: 'proxy-ssl-protocols', parse: versions, about: 'Versions of TLS' },
    ciphers: { annotation: 'proxy-ssl-ciphers', parse: cipherList, about: 'Ciphers of TLS 1.2' },
  },
  proxy: proxyField(
    'backendTLS',
    group('TLS to the backends, for the protocols HTTPS, AUTO_HTTP and GRPCS.', {
      secretName: textual('secret', reference, {
        description: 'The Secret with the authorities that backends are verified with (ca.crt) and our certificate (tls.crt, tls.key).',
        minLength: 1,
        maxLength: 253,
        pattern: '^[a-z0-9.-]+$',
      }),
      verify: flag('verify', 'Whether certificates of backends are verified; needs a Secret with ca.crt, and a hostname.'),
      verifyDepth: wholeNumber('depth', DEPTH, 'How many certificates there may be between that of a backend and the authority.'),
      hostname: textual('name', name, { ...NAME, pattern: '^[A-Za-z0-9.-]+$' }),
      serverName: flag('server_name', 'Whether backends are told the hostname (SNI).'),
      protocols: member(
        'protocols',
        {
          type: 'array',
          description: 'Versions of TLS.',
          minItems: 1,
          maxItems: VERSIONS.length,
          items: { type: 'string', enum: VERSIONS },
          'x-kubernetes-list-type': 'set',
        },
        (words) => versions((words as readonly string[]).join(' ')),
      ),
      ciphers: textual('ciphers', cipherList, { description: 'Ciphers of TLS 1.2, as OpenSSL names them.', minLength: 1, maxLength: LONGEST_CIPHERS }),
    }),
  ),
  directives,
  runtime: {
    schema: object({ identity: { type: 'string', pattern: '^certificate/[a-z0-9.-]+/[a-z0-9.-]+$' } }),
    effect: ({ identity, secret }): Json | undefined =>
      identity === true && typeof secret === 'string' ? { identity: `certificate/${secret}` } : undefined,
  },
} satisfies Policy
