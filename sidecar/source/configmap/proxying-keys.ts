/** Keys about what goes between us and backends. */
import type { HeaderMap } from '../../ir/header-text.ts'
import type { ProxyingSettings } from '../../ir/proxying-settings.ts'
import type { Replacement } from '../../ir/replacement.ts'
import { boolean, list, type Parser } from '../../ir/value.ts'
import { backendConnection } from '../../policy/backend-connection.ts'
import { backendUrls } from '../../policy/backend-urls.ts'
import { buffering } from '../../policy/buffering.ts'
import { customErrors } from '../../policy/custom-errors.ts'
import { headerProblem } from '../../policy/common/headers.ts'
import { redirect } from '../../policy/redirect.ts'
import { reference } from '../../policy/common/reference.ts'
import { tlsRedirect } from '../../policy/tls-redirect.ts'
import { key, type Key } from './key.ts'

/** What holds where the annotation of the same name is not set: same grammar, same bounds. */
function defaultOf<T>({ annotation, parse, about }: Pick<Key<T>, 'parse' | 'about'> & { readonly annotation: string }): Key<T> {
  return key(annotation, parse, about)
}

function orNothing(parse: Parser<Replacement | false>): Parser<Replacement | undefined> {
  return (text) => {
    const parsed = parse(text)
    return 'value' in parsed ? { value: parsed.value === false ? undefined : parsed.value } : parsed
  }
}

const { cookie_domain: cookieDomain, cookie_path: cookiePath } = backendUrls.fields

/** What it holds is read when the ConfigMap is there (headers.ts). */
const headerMap: Parser<HeaderMap> = (text) => {
  const parsed = reference(text)
  return 'value' in parsed && text.includes('/') ? { value: { configMap: text, headers: [] } } : { allowed: '"namespace/name" of a ConfigMap' }
}

const responseHeader: Parser<string> = (text) => {
  const problem = headerProblem(text, 'set', 'response')
  return problem === undefined ? { value: text.toLowerCase() } : { allowed: `the name of a header; ${problem}` }
}

export const PROXYING_KEYS: { readonly [K in keyof ProxyingSettings]: Key<ProxyingSettings[K]> } = {
  proxyBusyBuffersSize: defaultOf(buffering.fields.busy),
  proxyMaxTempFileSize: defaultOf(buffering.fields.file),
  proxyHttpVersion: defaultOf(backendConnection.fields.version),
  proxyCookieDomain: defaultOf({ ...cookieDomain, parse: orNothing(cookieDomain.parse) }),
  proxyCookiePath: defaultOf({ ...cookiePath, parse: orNothing(cookiePath.parse) }),
  proxyRedirectFrom: defaultOf(backendUrls.fields.redirect_from),
  proxyRedirectTo: defaultOf(backendUrls.fields.redirect_to),
  disableProxyInterceptErrors: defaultOf(customErrors.fields.own_only),
  preserveTrailingSlash: defaultOf(tlsRedirect.fields.keep_slash),
  relativeRedirects: defaultOf(redirect.fields.relative),
  usePortInRedirects: defaultOf(tlsRedirect.fields.name_port),
  proxyAddOriginalUriHeader: key('proxy-add-original-uri-header', boolean, 'Backends get X-Original-URI: path and query as the client wrote them'),
  addHeaders: key('add-headers', headerMap, 'A ConfigMap with headers for all answers, in place of those of backends: names and texts, in which known variables may stand'),
  proxySetHeaders: key('proxy-set-headers', headerMap, 'The same for all requests to backends, in place of those of clients, and of ours'),
  globalAllowedResponseHeaders: key('global-allowed-response-headers', list(responseHeader, 256), 'Headers that `custom-headers` may set'),
}
