import { domainPair, pathPair, urlText } from '../ir/replacement.ts'
import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import type { Policy, PolicyValue } from './policy.ts'
import { object, type Schema } from './schema.ts'

const PAIR: Schema = object({ from: { type: 'string', minLength: 1 }, to: { type: 'string' } })

/** What the settings say holds where the object says nothing; `off` says that nothing is replaced. */
function effectOf(value: PolicyValue, settings: Settings): Json | undefined {
  const domain = value.cookie_domain ?? settings.proxyCookieDomain ?? false
  const path = value.cookie_path ?? settings.proxyCookiePath ?? false
  const from = value.redirect_from ?? settings.proxyRedirectFrom
  const to = value.redirect_to ?? settings.proxyRedirectTo
  const effect = {
    ...(domain === false ? {} : { cookie_domain: domain }),
    ...(path === false ? {} : { cookie_path: path }),
    ...(from === '' || to === '' ? {} : { redirect: { from, to } }),
  }
  return Object.keys(effect).length === 0 ? undefined : effect
}

/**
 * Names and paths that a backend believes to have, in its cookies and redirects, become those that clients know. In Lua
 * and not by directives of NGINX: no value needs a reload, and no character of one means anything else.
 */
export const backendUrls = {
  name: 'backend_urls',
  fields: {
    cookie_domain: {
      annotation: 'proxy-cookie-domain',
      parse: domainPair,
      about: 'Cookies of the backend with the first as Domain get the second',
    },
    cookie_path: {
      annotation: 'proxy-cookie-path',
      parse: pathPair,
      about: 'Cookies of the backend whose Path begins with the first begin with the second',
    },
    redirect_from: {
      annotation: 'proxy-redirect-from',
      parse: urlText,
      about: 'Begin of the Location and Refresh of the backend that `proxy-redirect-to` replaces',
    },
    redirect_to: { annotation: 'proxy-redirect-to', parse: urlText, about: 'What stands there instead; nothing happens without both' },
  },
  always: true,
  filters: (value, settings) => effectOf(value, settings) !== undefined,
  runtime: {
    schema: object({}, { cookie_domain: PAIR, cookie_path: PAIR, redirect: PAIR }),
    always: true,
    effect: (value, { settings }) => effectOf(value, settings),
  },
} satisfies Policy
