import { backendName } from '../ir/backend-name.ts'
import { destinationOf, destinationUrl, ROUTE_HOST, type DestinationUrl } from '../ir/destination-url.ts'
import type { Settings } from '../ir/settings.ts'
import { urlTemplate, type TemplatePart } from '../ir/template.ts'
import type { BackendRef, Json } from '../ir/types.ts'
import { boolean, integer } from '../ir/value.ts'
import { directive, keyword, type Directive } from '../syntax/directive.ts'
import { canonicalJson, hashName } from '../util/canonical.ts'
import { defined } from '../util/field.ts'
import { authConnections, connectionProblems } from './external-auth-connections.ts'
import * as grammar from './external-auth-grammar.ts'
import { externalAuthField } from './external-auth-proxy.ts'
import { externalAuthSchema } from './external-auth-schema.ts'
import { needsNoLogin } from './common/no-auth.ts'
import type { Combined, Policy, PolicyValue, Problem, RouteContext } from './common/policy.ts'
import { reference } from './common/reference.ts'

/** Of hosts that settings name; each leads to the same addresses from every namespace. */
export const GLOBAL_NAMESPACE = 'global'
const DEFAULT_PARAM = 'rd'

/** What is said without a URL says nothing; the answer about the global one stays. */
function combine(value: PolicyValue, refused: ReadonlySet<string>): Combined {
  const { use_global: useGlobal, ...own } = value
  if (own.url === undefined) {
    const problems = refused.has('url') ? [] : Object.keys(own).map((field) => ({ field, message: 'it has no effect without auth-url' }))
    return { value: useGlobal === undefined ? {} : { use_global: useGlobal }, problems }
  }
  const problems: Problem[] = [...connectionProblems(own)]
  const key = own.cache_key as readonly TemplatePart[] | undefined
  if (key === undefined && own.cache_duration !== undefined) {
    problems.push({ field: 'cache_duration', message: 'nothing is kept without auth-cache-key' })
  } else if (key !== undefined && !grammar.namesCredential(key)) {
    const message = 'the key has nothing that tells clients apart, such as $http_authorization or $cookie_session: they share answers'
    problems.push({ field: 'cache_key', message })
  }
  return { value, problems }
}

/** What the ConfigMap asks for; undefined: nothing. */
function globalExternalAuth(settings: Settings): PolicyValue | undefined {
  const { globalAuthUrl: url } = settings
  if (url === undefined) return undefined
  return defined<Json>({
    url,
    method: settings.globalAuthMethod === '' ? undefined : settings.globalAuthMethod,
    signin: unlessEmpty(settings.globalAuthSignin),
    signin_param: settings.globalAuthSigninRedirectParam,
    response_headers: unlessEmpty(settings.globalAuthResponseHeaders),
    request_redirect: unlessEmpty(settings.globalAuthRequestRedirect),
    cache_key: unlessEmpty(settings.globalAuthCacheKey),
    cache_duration: settings.globalAuthCacheDuration,
    always_set_cookie: settings.globalAuthAlwaysSetCookie,
  })
}

function unlessEmpty(list: readonly Json[]): readonly Json[] | undefined {
  return list.length === 0 ? undefined : list
}

/** Whom a route asks, by its own word or the settings', and where the name belongs to; undefined: nobody. */
function inForce(value: PolicyValue, settings: Settings): PolicyValue | undefined {
  if (value.url !== undefined) return value
  return value.use_global === false ? undefined : globalExternalAuth(settings)
}

function isIpv6(host: string): boolean {
  return host.includes(':')
}

function effect(value: PolicyValue, context: RouteContext): Json | undefined {
  const auth = inForce(value, context.settings)
  if (auth === undefined) return undefined
  if (needsNoLogin(context)) return defined<Json>({ open: true, response_headers: auth.response_headers })
  const url = auth.url as DestinationUrl
  const namespace = auth === value ? context.namespace : GLOBAL_NAMESPACE
  const ref = destinationOf(url, namespace, context.host)
  // The route is closed (source/external-auth.ts).
  if (ref === undefined) return undefined
  const backend = `backend/${backendName(ref)}`
  const destination = { backend, host: isIpv6(ref.service) ? `[${ref.service}]` : ref.service, target: url.target }
  const question = { ...destination, ...tlsMembers(url, ref.service), ...optional(auth) }
  return auth.cache_key === undefined ? question : { ...question, cache: cacheOf(auth, question, context) }
}

function tlsMembers({ tls }: DestinationUrl, name: string): { readonly [member: string]: Json } {
  return tls ? { tls: true, name } : {}
}

function optional(auth: PolicyValue): { readonly [member: string]: Json } {
  const { signin, request_headers: headers } = auth
  const param = auth.signin_param ?? DEFAULT_PARAM
  return defined<Json>({
    method: auth.method,
    signin,
    // The author's own, where the URL has it.
    signin_param: hasParam(signin, String(param)) ? undefined : param,
    response_headers: auth.response_headers,
    request_headers: Array.isArray(headers) && headers.length === 0 ? undefined : headers,
    redirect: auth.request_redirect,
    always_set_cookie: auth.always_set_cookie === true ? true : undefined,
    connections: authConnections(auth)?.name,
  })
}

/** Without a URL nothing is missing in it. */
function hasParam(url: Json | undefined, name: string): boolean {
  if (url === undefined) return true
  const text = (url as readonly TemplatePart[]).map((part) => ('text' in part ? part.text : '$')).join('')
  const query = text.includes('?') ? text.slice(text.indexOf('?') + 1) : ''
  return query.split('&').some((pair) => pair.startsWith(`${name}=`) && pair.length > name.length + 1)
}

/** Nobody else has its answers: no other route, and not this one before its questions changed. */
function cacheOf(auth: PolicyValue, question: object, { host, path, pathType, namespace }: RouteContext): Json {
  const scope = hashName(canonicalJson([namespace, host, path, pathType, question]))
  return { scope, key: auth.cache_key ?? [], seconds: auth.cache_duration ?? grammar.DEFAULT_CACHE_SECONDS }
}

function directives(value: PolicyValue, settings: Settings): readonly Directive[] {
  return inForce(value, settings) === undefined ? [] : [directive('auth_request', keyword('//external_auth'))]
}

/** The host of the URL of a route, and the namespace that it belongs to. */
function backends(value: PolicyValue, host: string, namespace: string): readonly BackendRef[] {
  if (value.url === undefined) return []
  const ref = destinationOf(value.url as DestinationUrl, namespace, host)
  return ref === undefined ? [] : [ref]
}

/** Whether the host of the URL cannot be known for a route. */
export function lacksHost(value: PolicyValue, host: string): boolean {
  const url = value.url as DestinationUrl | undefined
  return url?.host === ROUTE_HOST && destinationOf(url, '', host) === undefined
}

/** A service lets each request in, or not. */
export const externalAuth = {
  name: 'external_auth',
  protects: true,
  fields: {
    url: { annotation: 'auth-url', parse: destinationUrl, about: 'Each request is let in only if this service answers with a status of 200 to 299: [see there](authentication.md#external)' },
    method: { annotation: 'auth-method', parse: grammar.method, about: 'Method of the question' },
    signin: { annotation: 'auth-signin', parse: grammar.signin, harmless: true, about: 'Where clients are sent to log in, in place of 401' },
    signin_param: { annotation: 'auth-signin-redirect-param', parse: grammar.signinParam, harmless: true, about: 'Name of the parameter that tells the way back from there' },
    response_headers: { annotation: 'auth-response-headers', parse: grammar.responseHeaders, about: 'Headers of the service\'s answer that the backend gets, in place of the client\'s' },
    proxy_headers: { annotation: 'auth-proxy-set-headers', parse: reference, names: 'ConfigMap', about: 'A ConfigMap with headers for the service' },
    request_redirect: { annotation: 'auth-request-redirect', parse: urlTemplate, about: 'X-Auth-Request-Redirect for the service; the path of the request when not set' },
    cache_key: { annotation: 'auth-cache-key', parse: grammar.cacheKey, about: 'Answers are kept, and hold for requests to the same path of the Ingress with the same key' },
    cache_duration: { annotation: 'auth-cache-duration', parse: grammar.cacheDuration, about: 'For how long, by status' },
    keepalive: { annotation: 'auth-keepalive', parse: integer(0, 65_536), harmless: true, about: 'Idle connections to the service that each worker keeps; 0: none. When not set: like those to backends, none with https' },
    keepalive_requests: { annotation: 'auth-keepalive-requests', parse: integer(0, 100_000_000), harmless: true, about: 'Questions over one of these connections; 1000 when not set or 0' },
    keepalive_timeout: { annotation: 'auth-keepalive-timeout', parse: integer(0, 86_400), harmless: true, about: 'Seconds that one of them may be idle; 60 when not set or 0' },
    keepalive_share_vars: { annotation: 'auth-keepalive-share-vars', parse: boolean, harmless: true, about: 'Accepted: the question shares the variables of its request, whatever this says' },
    always_set_cookie: { annotation: 'auth-always-set-cookie', parse: boolean, about: 'Cookies of the service go to the client with errors, too' },
    use_global: { annotation: 'enable-global-auth', parse: boolean, harmless: true, about: 'Whether `global-auth-url` of the ConfigMap holds, where there is no `auth-url`' },
  },
  combine,
  proxy: externalAuthField,
  always: true,
  directives,
  backends,
  filters: (value) => value.url !== undefined,
  runtime: { schema: externalAuthSchema, always: true, effect },
} satisfies Policy
