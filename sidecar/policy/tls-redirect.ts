import { boolean } from '../ir/value.ts'
import { object, type Policy } from './policy.ts'

/**
 * Plain HTTP -> https. `when_tls` counts only on hosts that have TLS, `always` everywhere; which of the
 * two holds for a route is decided in snapshot/, where the host's TLS is known.
 */
export const tlsRedirect: Policy = {
  name: 'tls_redirect',
  protects: true,
  fields: {
    when_tls: { annotation: 'ssl-redirect', parse: boolean },
    always: { annotation: 'force-ssl-redirect', parse: boolean },
  },
  runtime: {
    schema: object({ code: { enum: [301, 302, 303, 307, 308] }, port: { type: 'integer', minimum: 1, maximum: 65_535 } }),
    effect: (value) => value,
  },
}
