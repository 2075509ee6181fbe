import type { Json } from '../ir/types.ts'
import { boolean } from '../ir/value.ts'
import type { Policy, PolicyValue, RouteContext } from './common/policy.ts'
import { choice, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

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
    keep_slash: {
      annotation: 'preserve-trailing-slash',
      parse: boolean,
      harmless: true,
      about: 'Redirects to https keep a "/" at the end of path and query; ours do unless this says "false"',
    },
    name_port: {
      annotation: 'use-port-in-redirects',
      parse: boolean,
      harmless: true,
      about: 'Redirects to https name the port that NGINX listens on, not the one of `--https-redirect-port`',
    },
  },
  proxy: proxyField(
    'tlsRedirect',
    choice(MODES, 'Whether plain HTTP is sent to https: WhenTLS where the host has TLS; what the ConfigMap says when not set.'),
  ),
  runtime: {
    schema: object(
      { code: { enum: [301, 302, 303, 307, 308] }, port: { type: 'integer', minimum: 1, maximum: 65_535 } },
      { drop_slash: { const: true } },
    ),
    always: true,
    effect: (value, context) => (redirects(value, context) ? effectOf(value, context) : undefined),
  },
} satisfies Policy

function effectOf(value: PolicyValue, { settings, httpsPort, ownHttpsPort }: RouteContext): Json {
  const keepsSlash = value.keep_slash ?? settings.preserveTrailingSlash
  const namesPort = value.name_port ?? settings.usePortInRedirects
  return {
    code: settings.httpRedirectCode,
    port: namesPort === true ? ownHttpsPort : httpsPort,
    ...(keepsSlash === true ? {} : { drop_slash: true }),
  }
}

function redirects(value: PolicyValue, { settings, tls, path }: RouteContext): boolean {
  if (settings.noTlsRedirectLocations.some((prefix) => path.startsWith(prefix))) return false
  const always = value.always ?? settings.forceSslRedirect
  const whenTls = value.when_tls ?? settings.sslRedirect
  return always === true || (tls && whenTls === true)
}
