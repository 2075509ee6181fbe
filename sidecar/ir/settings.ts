/** What holds for the whole controller: the content of its ConfigMap over the defaults. */
import type { TemplatePart } from './template.ts'
import type { DestinationUrl } from './destination-url.ts'
import { DEFAULT_LOG_FORMAT, type LogFormat } from './log-format.ts'
import { DEFAULT_OBJECT_SETTINGS, type ObjectSettings } from './object-settings.ts'
import { DEFAULT_PROCESS_SETTINGS, type ProcessSettings } from './process-settings.ts'
import { DEFAULT_PROXYING_SETTINGS, type ProxyingSettings } from './proxying-settings.ts'
import { DEFAULT_TLS_SETTINGS, type TlsSettings } from './tls-settings.ts'

/** Ways to choose an endpoint that need nothing of the request. */
export const ALGORITHMS = ['round_robin', 'random', 'least_request', 'ewma'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** A header as a whole, in lower case, or what is found in it. */
export type HeaderPattern = { readonly text: string } | { readonly pattern: string; readonly caseless?: true }

/** Status -> seconds that an answer with it is kept. */
export type CacheSeconds = { readonly [status: string]: number }

export interface Settings extends TlsSettings, ProcessSettings, ProxyingSettings, ObjectSettings {
  readonly workerProcesses: number | 'auto'
  readonly maxWorkerConnections: number
  /** Seconds that a worker of an old generation may live on (websockets). */
  readonly workerShutdownTimeout: number
  /** Seconds; 0 closes every connection after one request. */
  readonly keepAlive: number
  readonly keepAliveRequests: number
  readonly upstreamKeepaliveConnections: number
  readonly upstreamKeepaliveTimeout: number
  readonly upstreamKeepaliveRequests: number
  readonly upstreamKeepaliveTime: number
  /** Seconds. */
  readonly proxyConnectTimeout: number
  readonly proxyReadTimeout: number
  readonly proxySendTimeout: number
  /** Bytes; 0 = no limit. */
  readonly proxyBodySize: number
  readonly proxyBuffering: boolean
  readonly proxyRequestBuffering: boolean
  readonly proxyBufferSize: number
  readonly proxyBuffersNumber: number
  /** Bytes; 0: as `proxyBufferSize`. */
  readonly grpcBufferSize: number
  readonly clientHeaderBufferSize: number
  readonly largeClientHeaderBuffers: { readonly number: number; readonly size: number }
  readonly clientHeaderTimeout: number
  readonly clientBodyBufferSize: number
  readonly clientBodyTimeout: number
  /** Words of `proxy_next_upstream`. */
  readonly proxyNextUpstream: readonly string[]
  /** Seconds; 0 = no limit. */
  readonly proxyNextUpstreamTimeout: number
  /** The first try is one of them; 0 = each endpoint. */
  readonly proxyNextUpstreamTries: number
  readonly retryNonIdempotent: boolean
  /** Retries as a share of the requests to a backend. */
  readonly retryBudgetPercent: number
  /** Retries that each worker may make to a backend in a second whatever the share. */
  readonly retryBudgetMin: number
  /** Failures in a row that eject an endpoint; 0 = none do. */
  readonly ejectionConsecutiveFailures: number
  /** Seconds of the first ejection; each further one is longer by as much. */
  readonly ejectionTime: number
  readonly ejectionMaxTime: number
  /** Of the endpoints of a backend. */
  readonly ejectionMaxPercent: number
  /** Answers of 500 and above are failures too. */
  readonly ejectionServerErrors: boolean
  readonly loadBalance: Algorithm
  /** Seconds in which a new endpoint comes to its full share; 0 = at once. */
  readonly slowStart: number
  /** Key of the hash by which canaries choose; empty: chance. */
  readonly canaryHashBy: readonly TemplatePart[]
  /** Statuses of errors that the default backend has pages for. */
  readonly customHttpErrors: readonly number[]
  readonly limitReqStatusCode: number
  readonly limitConnStatusCode: number
  /** What clients are told apart by. */
  readonly limitConnZoneVariable: readonly TemplatePart[]
  /** KiB a second; 0 = no limit. */
  readonly limitRate: number
  /** KiB. */
  readonly limitRateAfter: number
  /** Ranges of addresses; empty: everybody. */
  readonly whitelistSourceRange: readonly string[]
  readonly denylistSourceRange: readonly string[]
  /** Who is kept out of all routes. */
  readonly blockCidrs: readonly string[]
  readonly blockUserAgents: readonly HeaderPattern[]
  readonly blockReferers: readonly HeaderPattern[]
  readonly useHttp2: boolean
  readonly http2MaxConcurrentStreams: number
  /** Answers over TLS have Strict-Transport-Security. */
  readonly hsts: boolean
  /** Seconds. */
  readonly hstsMaxAge: number
  readonly hstsIncludeSubdomains: boolean
  readonly hstsPreload: boolean
  /** Answers say which version of NGINX we are. */
  readonly serverTokens: boolean
  readonly allowBackendServerHeader: boolean
  /** Headers of backends, in lower case, that clients do not get. */
  readonly hideHeaders: readonly string[]
  readonly useGzip: boolean
  readonly gzipLevel: number
  /** Bytes. */
  readonly gzipMinLength: number
  /** Beside text/html. */
  readonly gzipTypes: readonly string[]
  readonly enableBrotli: boolean
  readonly brotliLevel: number
  /** Bytes. */
  readonly brotliMinLength: number
  /** Beside text/html. */
  readonly brotliTypes: readonly string[]
  readonly sslRedirect: boolean
  readonly forceSslRedirect: boolean
  readonly httpRedirectCode: number
  /** Path prefixes that are never redirected to https. */
  readonly noTlsRedirectLocations: readonly string[]
  readonly useForwardedHeaders: boolean
  readonly computeFullForwardedFor: boolean
  readonly proxyRealIpCidr: readonly string[]
  /** Passwords may stand in a Secret as they are. */
  readonly allowPlainTextPasswords: boolean
  /** Objects may name Secrets and ConfigMaps of other namespaces. */
  readonly allowCrossNamespaceResources: boolean
  /** Ranges of addresses, names, and `*.` with a name, that Services of type ExternalName never lead to. */
  readonly externalNameDenied: readonly string[]
  /** Whom every route asks that does not say otherwise; undefined: nobody. */
  readonly globalAuthUrl: DestinationUrl | undefined
  /** '': GET. */
  readonly globalAuthMethod: string
  readonly globalAuthSignin: readonly TemplatePart[]
  readonly globalAuthSigninRedirectParam: string
  readonly globalAuthResponseHeaders: readonly string[]
  readonly globalAuthRequestRedirect: readonly TemplatePart[]
  readonly globalAuthCacheKey: readonly TemplatePart[]
  /** Seconds by status. */
  readonly globalAuthCacheDuration: CacheSeconds
  readonly globalAuthAlwaysSetCookie: boolean
  /** Paths of routes without external authentication, those below too. */
  readonly noAuthLocations: readonly string[]
  readonly enableAuthAccessLog: boolean
  /** Requests go to the address of a Service, not to its endpoints. */
  readonly serviceUpstream: boolean
  /** Clients begin with a header of PROXY protocol, on both ports. */
  readonly useProxyProtocol: boolean
  /** Seconds that a header of PROXY protocol may take, at layer 4. */
  readonly proxyProtocolHeaderTimeout: number
  /** Seconds without a byte in either direction that end a connection of layer 4. */
  readonly streamTimeout: number
  /** Another endpoint is tried where a connection of layer 4 cannot be made. */
  readonly streamNextUpstream: boolean
  /** Seconds; 0 = no limit. */
  readonly streamNextUpstreamTimeout: number
  /** The first try is one of them; 0 = each endpoint. */
  readonly streamNextUpstreamTries: number
  /** Datagrams that answer one of a client; then its session is over. */
  readonly streamResponses: number
  readonly disableAccessLog: boolean
  readonly logFormat: LogFormat
  readonly logFormatEscapeJson: boolean
  readonly logFormatEscapeNone: boolean
}

const COMPRESSED_TYPES: readonly string[] = [
  'application/atom+xml', 'application/javascript', 'application/x-javascript', 'application/json', 'application/rss+xml',
  'application/vnd.ms-fontobject', 'application/x-font-ttf', 'application/x-web-app-manifest+json',
  'application/xhtml+xml', 'application/xml', 'font/opentype', 'image/svg+xml', 'image/x-icon', 'text/css',
  'text/javascript', 'text/plain', 'text/x-component',
]

/** The defaults of ingress-nginx, except where a comment says otherwise. */
export const DEFAULT_SETTINGS: Settings = {
  ...DEFAULT_TLS_SETTINGS,
  ...DEFAULT_PROCESS_SETTINGS,
  ...DEFAULT_OBJECT_SETTINGS,
  ...DEFAULT_PROXYING_SETTINGS,
  workerProcesses: 'auto',
  maxWorkerConnections: 16384,
  workerShutdownTimeout: 240,
  keepAlive: 75,
  keepAliveRequests: 1000,
  upstreamKeepaliveConnections: 320,
  upstreamKeepaliveTimeout: 60,
  upstreamKeepaliveRequests: 10000,
  upstreamKeepaliveTime: 3600,
  proxyConnectTimeout: 5,
  proxyReadTimeout: 60,
  proxySendTimeout: 60,
  proxyBodySize: 1024 * 1024,
  proxyBuffering: false,
  proxyRequestBuffering: true,
  proxyBufferSize: 4096,
  proxyBuffersNumber: 4,
  grpcBufferSize: 0,
  clientHeaderBufferSize: 1024,
  largeClientHeaderBuffers: { number: 4, size: 8192 },
  clientHeaderTimeout: 60,
  clientBodyBufferSize: 8192,
  clientBodyTimeout: 60,
  proxyNextUpstream: ['error', 'timeout'],
  proxyNextUpstreamTimeout: 0,
  proxyNextUpstreamTries: 3,
  retryNonIdempotent: false,
  retryBudgetPercent: 20,
  retryBudgetMin: 10,
  ejectionConsecutiveFailures: 5,
  ejectionTime: 10,
  ejectionMaxTime: 300,
  ejectionMaxPercent: 50,
  ejectionServerErrors: false,
  loadBalance: 'round_robin',
  slowStart: 0,
  canaryHashBy: [],
  customHttpErrors: [],
  limitReqStatusCode: 503,
  limitConnStatusCode: 503,
  limitConnZoneVariable: [{ var: 'binary_remote_addr' }],
  limitRate: 0,
  limitRateAfter: 0,
  whitelistSourceRange: [],
  denylistSourceRange: [],
  blockCidrs: [],
  blockUserAgents: [],
  blockReferers: [],
  useHttp2: true,
  http2MaxConcurrentStreams: 128,
  hsts: true,
  hstsMaxAge: 31_536_000,
  hstsIncludeSubdomains: true,
  hstsPreload: false,
  serverTokens: false,
  allowBackendServerHeader: false,
  hideHeaders: [],
  useGzip: false,
  gzipLevel: 1,
  gzipMinLength: 256,
  gzipTypes: COMPRESSED_TYPES,
  enableBrotli: false,
  brotliLevel: 4,
  brotliMinLength: 20,
  brotliTypes: COMPRESSED_TYPES,
  sslRedirect: true,
  forceSslRedirect: false,
  httpRedirectCode: 308,
  noTlsRedirectLocations: ['/.well-known/acme-challenge'],
  useForwardedHeaders: false,
  computeFullForwardedFor: false,
  // ingress-nginx trusts 0.0.0.0/0; we trust nobody until a range is named.
  proxyRealIpCidr: [],
  allowPlainTextPasswords: false,
  allowCrossNamespaceResources: false,
  externalNameDenied: [],
  globalAuthUrl: undefined,
  globalAuthMethod: '',
  globalAuthSignin: [],
  globalAuthSigninRedirectParam: 'rd',
  globalAuthResponseHeaders: [],
  globalAuthRequestRedirect: [],
  globalAuthCacheKey: [],
  globalAuthCacheDuration: { 200: 300, 202: 300, 401: 300 },
  globalAuthAlwaysSetCookie: false,
  noAuthLocations: ['/.well-known/acme-challenge'],
  enableAuthAccessLog: false,
  serviceUpstream: false,
  useProxyProtocol: false,
  proxyProtocolHeaderTimeout: 5,
  streamTimeout: 600,
  streamNextUpstream: true,
  streamNextUpstreamTimeout: 600,
  streamNextUpstreamTries: 3,
  streamResponses: 1,
  disableAccessLog: false,
  logFormat: DEFAULT_LOG_FORMAT,
  logFormatEscapeJson: false,
  logFormatEscapeNone: false,
}
