import { domainPair, pathPair, urlText } from '../ir/replacement.ts'
import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import type { Policy, PolicyValue } from './common/policy.ts'
import { object, type Schema } from './common/schema.ts'

const PAIR: Schema = object({ from: { type: 'string', minLength: 1 }, to: { type: 'string' } })

/** What the settings say holds where the object says nothing; `off` says that nothing is replaced. */
function effectOf(value: PolicyValue, settings: Settings): Json | undefined {
  const said = {
    cookie_domain: settings.proxyCookieDomain ?? false,
    cookie_path: settings.proxyCookiePath ?? false,
    redirect_from: settings.proxyRedirectFrom,
    redirect_to: settings.proxyRedirectTo,
    ...value,
  }
  const { redirect_from: from, redirect_to: to, ...cookies } = said
  const redirects = from === '' || to === '' ? [] : [['redirect', { from, to }]]
  const effect = [...Object.entries(cookies).filter(([, pair]) => pair !== false), ...redirects]
  return effect.length === 0 ? undefined : (Object.fromEntries(effect) as Json)
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
