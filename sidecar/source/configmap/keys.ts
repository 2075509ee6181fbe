/** Every key of the controller's ConfigMap: its setting, its grammar, and what it does (docs/annotations.md). */
import { cidr, cidrs } from '../../ir/address.ts'
import { destinationUrl, ROUTE_HOST, type DestinationUrl } from '../../ir/destination-url.ts'
import { urlTemplate } from '../../ir/template.ts'
import { isHost } from '../../ir/names.ts'
import { logFormat } from '../../ir/log-format.ts'
import { ALGORITHMS, type Settings } from '../../ir/settings.ts'
import { template } from '../../ir/template.ts'
import { boolean, buffers, duration, integer, list, seconds, size, word, type Parser } from '../../ir/value.ts'
import { access, MAX_RANGES } from '../../policy/access.ts'
import { headerPatterns } from '../../policy/blocks.ts'
import { bodySize } from '../../policy/body-size.ts'
import { buffering } from '../../policy/buffering.ts'
import { canary } from '../../policy/canary.ts'
import * as auth from '../../policy/external-auth-grammar.ts'
import { customErrors } from '../../policy/custom-errors.ts'
import { headerProblem } from '../../policy/common/headers.ts'
import { loadBalance } from '../../policy/load-balance.ts'
import { retries } from '../../policy/retries.ts'
import { serviceUpstream } from '../../policy/service-upstream.ts'
import { timeouts } from '../../policy/timeouts.ts'
import { tlsRedirect } from '../../policy/tls-redirect.ts'
import { key, type Key } from './key.ts'
import { OBJECT_KEYS } from './object-keys.ts'
import { PROCESS_KEYS } from './process-keys.ts'
import { PROXYING_KEYS } from './proxying-keys.ts'
import { TLS_KEYS } from './tls-keys.ts'

/** What holds where the annotation of the same name is not set: same grammar, same bounds. */
function defaultOf<T>({ annotation, parse, about }: Pick<Key<T>, 'parse' | 'about'> & { readonly annotation: string }): Key<T> {
  return key(annotation, parse, about)
}

const denied: Parser<string> = (text) => {
  const range = cidr(text)
  const name = text.toLowerCase()
  if ('value' in range) return range
  return isHost(name) ? { value: name } : { allowed: `${range.allowed}, a DNS name, or "*." and a DNS name` }
}

/** There is no host of a route that all of them could mean. */
const globalUrl: Parser<DestinationUrl> = (text) => {
  const parsed = destinationUrl(text)
  return 'value' in parsed && parsed.value.host === ROUTE_HOST ? { allowed: 'a URL with a host that is no variable' } : parsed
}

/** NGINX keeps each in a part of a table that has this size. */
const LONGEST_ENTRY = 46

const hiddenHeader: Parser<string> = (text) => {
  const name = text.toLowerCase()
  if (!/^[a-z0-9_-]{1,46}$/.test(name)) return { allowed: `a name of 1 to ${LONGEST_ENTRY} letters, digits, "-" and "_"` }
  const problem = headerProblem(name, 'hide', 'response')
  return problem === undefined ? { value: name } : { allowed: `another header, since ${problem}` }
}

const mediaType: Parser<string> = (text) => {
  const type = text.toLowerCase()
  const isType = type === '*' || /^[a-z0-9][a-z0-9.+-]*[/][a-z0-9][a-z0-9.+-]*$/.test(type)
  return isType && type.length <= LONGEST_ENTRY
    ? { value: type }
    : { allowed: `a media type such as text/css, of at most ${LONGEST_ENTRY} characters, or "*"` }
}

/** NGINX compresses text/html in any case, and warns of types that stand twice. */
const compressedTypes: Parser<readonly string[]> = (text) => {
  const parsed = list(mediaType, 64)(text)
  if (!('value' in parsed)) return parsed
  return { value: [...new Set(parsed.value)].filter((type) => type !== 'text/html') }
}

const pathPrefix: Parser<string> = (text) =>
  text.startsWith('/') ? { value: text } : { allowed: 'a path that begins with "/"' }

/** Gives bytes. */
const kibibytes: Parser<number> = (text) => {
  const parsed = integer(0, 1024)(text)
  return 'value' in parsed ? { value: parsed.value * 1024 } : parsed
}

const workers: Parser<number | 'auto'> = (text) => {
  if (text === 'auto') return { value: 'auto' }
  const parsed = integer(1, 256)(text)
  return 'value' in parsed ? parsed : { allowed: `"auto" or ${parsed.allowed}` }
}

const httpRedirectCode: Parser<number> = (text) => {
  const parsed = word('301', '302', '307', '308')(text)
  return 'value' in parsed ? { value: Number(parsed.value) } : parsed
}

export const KEYS: { readonly [K in keyof Settings]: Key<Settings[K]> } = {
  ...OBJECT_KEYS,
  ...PROCESS_KEYS,
  ...PROXYING_KEYS,
  ...TLS_KEYS,
  workerProcesses: key('worker-processes', workers, 'Workers of NGINX; auto: one for each CPU of the node, whatever the limits of the container'),
  maxWorkerConnections: key('max-worker-connections', integer(64, 1_000_000), 'Connections of one worker, to clients and endpoints'),
  workerShutdownTimeout: key('worker-shutdown-timeout', seconds(1, 86_400), 'How long requests go on in a worker that a reload or stop replaces'),
  keepAlive: key('keep-alive', seconds(0, 86_400), 'How long an idle connection of a client stays open; 0: one request each'),
  keepAliveRequests: key('keep-alive-requests', integer(1, 100_000_000), 'Requests that one connection of a client may make'),
  upstreamKeepaliveConnections: key('upstream-keepalive-connections', integer(1, 65_536), 'Idle connections to endpoints that a worker keeps'),
  upstreamKeepaliveTimeout: key('upstream-keepalive-timeout', seconds(1, 86_400), 'How long an idle connection to an endpoint stays open'),
  upstreamKeepaliveRequests: key('upstream-keepalive-requests', integer(1, 100_000_000), 'Requests that go over one connection to an endpoint'),
  upstreamKeepaliveTime: key('upstream-keepalive-time', duration(1, 31_536_000), 'How long one connection to an endpoint is used'),
  proxyConnectTimeout: defaultOf(timeouts.fields.connect),
  proxyReadTimeout: defaultOf(timeouts.fields.read),
  proxySendTimeout: defaultOf(timeouts.fields.send),
  proxyBodySize: defaultOf(bodySize.fields.max),
  proxyBuffering: defaultOf(buffering.fields.responses),
  proxyRequestBuffering: defaultOf(buffering.fields.requests),
  proxyBufferSize: defaultOf(buffering.fields.size),
  proxyBuffersNumber: defaultOf(buffering.fields.number),
  grpcBufferSize: key('grpc-buffer-size-kb', kibibytes, 'KiB of the buffer for answers of gRPC; 0: as `proxy-buffer-size`'),
  clientHeaderBufferSize: key('client-header-buffer-size', size(256, 65_536), 'Buffer for the head of a request'),
  largeClientHeaderBuffers: key('large-client-header-buffers', buffers, 'Number and size of the buffers for a larger head'),
  clientHeaderTimeout: key('client-header-timeout', seconds(1, 3_600), 'How long the head of a request may take'),
  clientBodyBufferSize: key('client-body-buffer-size', size(1024, 16 * 1024 ** 2), 'How much of a request body is kept in memory'),
  clientBodyTimeout: key('client-body-timeout', seconds(1, 3_600), 'How long a client may send nothing of a body'),
  proxyNextUpstream: defaultOf(retries.fields.conditions),
  proxyNextUpstreamTimeout: defaultOf(retries.fields.timeout),
  proxyNextUpstreamTries: defaultOf(retries.fields.tries),
  retryNonIdempotent: key('retry-non-idempotent', boolean, 'Also requests such as POST are tried again after they were sent'),
  retryBudgetPercent: key('retry-budget-percent', integer(0, 100), 'Ours. Tries after the first, as a share of the requests to a backend'),
  retryBudgetMin: key('retry-budget-min', integer(0, 100_000), 'Ours. Such tries in a second, for each worker, that are always allowed'),
  ejectionConsecutiveFailures: key(
    'ejection-consecutive-failures',
    integer(0, 1000),
    'Ours. Failures in a row after which an endpoint gets no requests for a while; 0: never',
  ),
  ejectionTime: key('ejection-time', seconds(1, 86_400), 'Ours. How long the first time; each further one is longer by as much'),
  ejectionMaxTime: key('ejection-max-time', seconds(1, 86_400), 'Ours. How long at most'),
  ejectionMaxPercent: key('ejection-max-percent', integer(0, 100), 'Ours. How many of the endpoints of a backend at most'),
  ejectionServerErrors: key('ejection-server-errors', boolean, 'Ours. Answers of 500 and above are failures too, not only connections'),
  loadBalance: key('load-balance', word(...ALGORITHMS), loadBalance.fields.algorithm.about),
  slowStart: defaultOf(loadBalance.fields.slow_start),
  canaryHashBy: defaultOf(canary.fields.key),
  customHttpErrors: defaultOf(customErrors.fields.statuses),
  limitReqStatusCode: key('limit-req-status-code', integer(400, 599), 'Status for requests over `limit-rps` and `limit-rpm`'),
  limitConnStatusCode: key('limit-conn-status-code', integer(400, 599), 'Status for requests over `limit-connections`'),
  limitConnZoneVariable: key('limit-conn-zone-variable', template, 'What clients are told apart by for `limit-rps`, `limit-rpm` and `limit-connections`; where it is empty, nothing is limited'),
  limitRate: key('limit-rate', integer(0, 1_000_000_000), 'KiB of an answer in a second; 0: no limit'),
  limitRateAfter: key('limit-rate-after', integer(0, 1_000_000_000), 'KiB of an answer before `limit-rate` holds'),
  whitelistSourceRange: defaultOf(access.fields.whitelist),
  denylistSourceRange: defaultOf(access.fields.deny),
  blockCidrs: key('block-cidrs', cidrs(MAX_RANGES), 'Clients that get into no route: 403'),
  blockUserAgents: key('block-user-agents', headerPatterns, 'Values of `User-Agent` whose requests are answered with 403'),
  blockReferers: key('block-referers', headerPatterns, 'Values of `Referer` whose requests are answered with 403'),
  useHttp2: key('use-http2', boolean, 'HTTP/2 for clients over TLS'),
  http2MaxConcurrentStreams: key('http2-max-concurrent-streams', integer(1, 1024), 'Requests at once in one HTTP/2 connection'),
  hsts: key('hsts', boolean, 'Answers over TLS have Strict-Transport-Security, instead of what the backend says'),
  hstsMaxAge: key('hsts-max-age', integer(0, 4_294_967_295), 'For how many seconds browsers then use TLS only; 0: they forget it'),
  hstsIncludeSubdomains: key('hsts-include-subdomains', boolean, 'For all names below the host, too'),
  hstsPreload: key('hsts-preload', boolean, 'Browsers may have the host on their lists'),
  serverTokens: key('server-tokens', boolean, 'Answers tell the version of NGINX in a header Server; else they have none'),
  allowBackendServerHeader: key('allow-backend-server-header', boolean, 'Answers of backends keep their header Server'),
  hideHeaders: key('hide-headers', list(hiddenHeader, 64), 'Headers of backends that clients do not get; what is added here stays'),
  useGzip: key('use-gzip', boolean, 'Answers are compressed where the client can read it and the backend has not done so'),
  gzipLevel: key('gzip-level', integer(1, 9), 'How much: 9 takes the most CPU'),
  gzipMinLength: key('gzip-min-length', integer(0, 1_000_000_000), 'Bytes of the smallest answer that is compressed, where its length is known'),
  gzipTypes: key('gzip-types', compressedTypes, 'Media types that are compressed beside text/html; "*": all'),
  enableBrotli: key('enable-brotli', boolean, 'The same with Brotli, which wins over gzip, where NGINX has the module'),
  brotliLevel: key('brotli-level', integer(0, 11), 'How much: 11 takes the most CPU'),
  brotliMinLength: key('brotli-min-length', integer(0, 1_000_000_000), 'As `gzip-min-length`'),
  brotliTypes: key('brotli-types', compressedTypes, 'As `gzip-types`'),
  sslRedirect: defaultOf(tlsRedirect.fields.when_tls),
  forceSslRedirect: defaultOf(tlsRedirect.fields.always),
  httpRedirectCode: key('http-redirect-code', httpRedirectCode, 'Status of redirects to https'),
  noTlsRedirectLocations: key('no-tls-redirect-locations', list(pathPrefix, 32), 'Paths that are never redirected to https, and those below'),
  useForwardedHeaders: key('use-forwarded-headers', boolean, 'X-Forwarded-* of trusted proxies count, -Host as the Host that backends get, too; needs `proxy-real-ip-cidr`'),
  computeFullForwardedFor: key('compute-full-forwarded-for', boolean, 'X-Forwarded-For keeps what trusted proxies put there'),
  proxyRealIpCidr: key('proxy-real-ip-cidr', list(cidr, 256), 'Addresses of proxies to trust; nobody when not set'),
  serviceUpstream: defaultOf(serviceUpstream.fields.use),
  allowPlainTextPasswords: key('allow-plain-text-passwords', boolean, 'Ours. Secrets of `auth-secret` may hold `{PLAIN}` and a password'),
  allowCrossNamespaceResources: key('allow-cross-namespace-resources', boolean, 'Objects may name Secrets and ConfigMaps of other namespaces; TLS certificates always are of the own one'),
  externalNameDenied: key('external-name-denied', list(denied, 256), 'Ours. Addresses, ranges and names that Services of type ExternalName never lead to'),
  globalAuthUrl: key('global-auth-url', globalUrl, 'As `auth-url`, for every path; its host is no variable'),
  globalAuthMethod: key('global-auth-method', auth.method, 'As `auth-method`'),
  globalAuthSignin: key('global-auth-signin', auth.signin, 'As `auth-signin`'),
  globalAuthSigninRedirectParam: key('global-auth-signin-redirect-param', auth.signinParam, 'As `auth-signin-redirect-param`'),
  globalAuthResponseHeaders: key('global-auth-response-headers', auth.responseHeaders, 'As `auth-response-headers`'),
  globalAuthRequestRedirect: key('global-auth-request-redirect', urlTemplate, 'As `auth-request-redirect`'),
  globalAuthCacheKey: key('global-auth-cache-key', auth.cacheKey, 'As `auth-cache-key`'),
  globalAuthCacheDuration: key('global-auth-cache-duration', auth.cacheDuration, 'As `auth-cache-duration`'),
  globalAuthAlwaysSetCookie: key('global-auth-always-set-cookie', boolean, 'As `auth-always-set-cookie`'),
  noAuthLocations: key('no-auth-locations', list(pathPrefix, 32), 'Paths where nobody has to log in, by password or external authentication, and those below'),
  enableAuthAccessLog: key('enable-auth-access-log', boolean, 'Questions of external authentication are in the access log, too'),
  useProxyProtocol: key('use-proxy-protocol', boolean, 'Clients of both ports begin with a header of PROXY protocol; address and port in it count from `proxy-real-ip-cidr`, and port 443 means https'),
  proxyProtocolHeaderTimeout: key('proxy-protocol-header-timeout', seconds(1, 3_600), 'How long a header of PROXY protocol may take: TCP and UDP, and TLS with `--enable-ssl-passthrough`'),
  streamTimeout: key('proxy-stream-timeout', duration(1, 31_536_000), 'TCP and UDP: how long neither side may send anything'),
  streamNextUpstream: key('proxy-stream-next-upstream', boolean, 'TCP and UDP: where an endpoint cannot be connected to, another one is tried'),
  streamNextUpstreamTimeout: key('proxy-stream-next-upstream-timeout', duration(0, 86_400), 'TCP and UDP: how long for all tries; 0: no limit'),
  streamNextUpstreamTries: key('proxy-stream-next-upstream-tries', integer(0, 1000), 'TCP and UDP: how many endpoints are tried; 0: each'),
  streamResponses: key('proxy-stream-responses', integer(0, 1_000_000), 'UDP: datagrams that answer one of a client; after that its session is over'),
  disableAccessLog: key('disable-access-log', boolean, 'No access log'),
  logFormat: key('log-format-upstream', logFormat, 'Format of the access log: text and known variables'),
  logFormatEscapeJson: key('log-format-escape-json', boolean, 'Values in the access log are escaped for JSON'),
  logFormatEscapeNone: key('log-format-escape-none', boolean, 'Values in the access log are not escaped'),
}

/** The ConfigMap key that holds a setting. */
export function settingKey(name: keyof Settings): string {
  return KEYS[name].name
}
