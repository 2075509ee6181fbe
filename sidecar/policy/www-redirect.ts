import { boolean } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'

/** Acts on names that no object claims: see source/ingress/www.ts. */
export const wwwRedirect: Policy = {
  name: 'www_redirect',
  fields: {
    enabled: {
      annotation: 'from-to-www-redirect',
      parse: boolean,
      about: 'Clients of the host with `www.` before it, or without, are sent to the host of the rule',
    },
  },
}
