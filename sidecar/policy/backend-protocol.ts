import { word, type Parser } from '../ir/value.ts'
import type { PolicySet } from '../ir/types.ts'
import { fields } from '../util/field.ts'
import type { Policy } from './common/policy.ts'
import { choice, proxyField } from './common/proxy-field.ts'

/** What backends speak beside HTTP without TLS. AUTO_HTTP: TLS where the client has it. */
const PROTOCOLS = ['HTTPS', 'AUTO_HTTP', 'GRPC', 'GRPCS', 'FCGI'] as const
export type BackendProtocol = (typeof PROTOCOLS)[number]

const TLS_PROTOCOLS: ReadonlySet<string> = new Set<BackendProtocol>(['HTTPS', 'AUTO_HTTP', 'GRPCS'])

const inAnyCase: Parser<BackendProtocol | 'HTTP'> = (text) => word('HTTP', ...PROTOCOLS)(text.trim().slice(0, 16).toUpperCase())

/** Undefined: HTTP without TLS. */
export function backendProtocol(policies: PolicySet): BackendProtocol | undefined {
  const { protocol } = fields(policies.backend_protocol)
  return PROTOCOLS.find((it) => it === protocol)
}

/** Whether some connections by this protocol are encrypted. */
export function isTls(protocol: BackendProtocol | undefined): boolean {
  return TLS_PROTOCOLS.has(protocol ?? 'HTTP')
}

/** How backends are spoken to: a location class for each, since NGINX has other directives for each. */
export const backendProtocolPolicy = {
  name: 'backend_protocol',
  fields: {
    protocol: {
      annotation: 'backend-protocol',
      parse: inAnyCase,
      about: 'What the backends speak; AUTO_HTTP: HTTPS where the client does. See [backends.md](backends.md)',
    },
  },
  proxy: proxyField(
    'backendProtocol',
    choice(
      Object.fromEntries(['HTTP', ...PROTOCOLS].map((protocol) => [protocol, { protocol }])),
      'What the backends speak. AUTO_HTTP: HTTPS where the client does, else HTTP. A protocol that no other route has costs '
      + 'one reload of NGINX.',
    ),
  ),
} satisfies Policy
