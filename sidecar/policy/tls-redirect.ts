import { boolean } from '../ir/value.ts'
import type { Policy, PolicyValue, RouteContext } from './policy.ts'
import { choice, proxyField } from './proxy-field.ts'
import { object } from './schema.ts'

/** Both fields at once: one that holds for all routes would else shine through. */
const MODES = {
  Never: { when_tls: false, always: false },
  WhenTLS: { when_tls: true, always: false },
  Always: { when_tls: true, always: true },
}

/** Plain HTTP -> https: `when_tls` counts only on hosts that have TLS, `always` everywhere. */
export const tlsRedirect = {
  name: 'tls_redirect',
  protects: true,
  fields: {
    when_tls: {
      annotation: 'ssl-redirect',
      parse: boolean,
      about: 'Plain HTTP is sent to https where the host has TLS',
    },
    always: { annotation: 'force-ssl-redirect', parse: boolean, about: 'Plain HTTP is sent to https everywhere' },
  },
  proxy: proxyField(
    'tlsRedirect',
    choice(MODES, 'Whether plain HTTP is sent to https: WhenTLS where the host has TLS; what the ConfigMap says when not set.'),
  ),
  runtime: {
    schema: object({ code: { enum: [301, 302, 303, 307, 308] }, port: { type: 'integer', minimum: 1, maximum: 65_535 } }),
    always: true,
    effect: (value, context) =>
      redirects(value, context) ? { code: context.settings.httpRedirectCode, port: context.httpsPort } : undefined,
  },
} satisfies Policy

function redirects(value: PolicyValue, { settings, tls, path }: RouteContext): boolean {
  if (settings.noTlsRedirectLocations.some((prefix) => path.startsWith(prefix))) return false
  const always = value.always ?? settings.forceSslRedirect
  const whenTls = value.when_tls ?? settings.sslRedirect
  return always === true || (tls && whenTls === true)
}
