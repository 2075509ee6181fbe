/** Directives that `conf` does not hold, and what does the same. */

const NOT_HERE = 'conf is about the requests to one Service'
const BASIC_AUTH = 'the annotations auth-type and auth-secret of the Ingress, or basicAuth of a Proxy'
const CLIENT_CERTIFICATE = 'the annotations auth-tls-secret and auth-tls-verify-client of the Ingress, or clientCertificate of a Proxy'
const NEVER = 'nothing, since it runs text as a program or reads files, which no object may'

/** By directive. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  rewrite: 'the annotation rewrite-target of the Ingress, or rewrite of a Proxy',
  if: 'rules of a Proxy, which match methods, headers and query parameters',
  set: 'the value itself where it is used',
  map: 'rules of a Proxy, which match methods, headers and query parameters',
  proxy_pass: 'the Service itself says where requests go; another one can be named in the Ingress or Proxy',
  proxy_pass_header: 'all headers but those of the connection pass',
  proxy_next_upstream: 'the annotation proxy-next-upstream of the Ingress, or retries of a Proxy',
  proxy_next_upstream_timeout: 'the annotation proxy-next-upstream-timeout of the Ingress, or retries of a Proxy',
  proxy_next_upstream_tries: 'the annotation proxy-next-upstream-tries of the Ingress, or retries of a Proxy',
  proxy_buffers: 'the annotations proxy-buffers-number and proxy-buffer-size of the Ingress',
  limit_rate: 'the annotation limit-rate of the Ingress, or limits of a Proxy',
  limit_rate_after: 'the annotation limit-rate-after of the Ingress, or limits of a Proxy',
  limit_req: 'the annotations limit-rps and limit-rpm of the Ingress, or limits of a Proxy',
  limit_conn: 'the annotation limit-connections of the Ingress, or limits of a Proxy',
  hash: 'the annotation upstream-hash-by of the Ingress, or loadBalance of a Proxy',
  least_conn: 'the annotation load-balance: least_request of the Ingress, or loadBalance of a Proxy',
  ip_hash: 'the annotation upstream-hash-by: $remote_addr of the Ingress, or loadBalance of a Proxy',
  keepalive: 'the key upstream-keepalive-connections of the ConfigMap',
  keepalive_timeout: 'the key keep-alive of the ConfigMap',
  client_body_timeout: 'the key client-body-timeout of the ConfigMap',
  large_client_header_buffers: 'the key large-client-header-buffers of the ConfigMap',
  access_log: 'the annotation enable-access-log of the Ingress, or accessLog of a Proxy',
  log_format: 'the key log-format-upstream of the ConfigMap',
  ssl_certificate: 'spec.tls of the Ingress, or the annotation resty-ingress.io/tls-secret',
  ssl_protocols: 'the key ssl-protocols of the ConfigMap',
  error_log: 'the key error-log-level of the ConfigMap',
  gzip: 'the key use-gzip of the ConfigMap',
  set_real_ip_from: 'the key proxy-real-ip-cidr of the ConfigMap',
  real_ip_header: 'the key forwarded-for-header of the ConfigMap',
  error_page: 'the annotations custom-http-errors and default-backend of the Ingress, or customHTTPErrors of a Proxy',
  proxy_intercept_errors: 'the annotation custom-http-errors of the Ingress, or customHTTPErrors of a Proxy',
  mirror: 'the annotation mirror-target of the Ingress, or mirror of a Proxy',
  allow: 'the annotation allowlist-source-range of the Ingress, or access of a Proxy',
  deny: 'the annotation denylist-source-range of the Ingress, or access of a Proxy',
  satisfy: 'the annotation satisfy of the Ingress, or satisfy of a Proxy',
  limit_except: 'rules of a Proxy, which match methods',
  auth_basic: BASIC_AUTH,
  auth_basic_user_file: BASIC_AUTH,
  auth_request: 'the annotation auth-url of the Ingress, or externalAuth of a Proxy',
  ssl_client_certificate: CLIENT_CERTIFICATE,
  ssl_verify_client: CLIENT_CERTIFICATE,
  server_name: 'hosts of the Ingress or Proxy, and the annotation server-alias of the Ingress',
  listen: 'tcp and udp of a Proxy, for ports of other protocols than HTTP',
  server: `no other server can be made; ${NOT_HERE}`,
  location: `no other location can be made; ${NOT_HERE}`,
  upstream: `no upstream can be made; ${NOT_HERE}`,
  include: NEVER,
  load_module: NEVER,
  root: NEVER,
  alias: NEVER,
}

const BY_PREFIX: readonly (readonly [prefix: string, alternative: string])[] = [
  ['fastcgi_', 'the annotation backend-protocol: FCGI of the Ingress, or backendProtocol of a Proxy'],
  ['grpc_', 'the annotation backend-protocol: GRPC of the Ingress, or backendProtocol of a Proxy'],
  ['proxy_ssl_', 'the annotations backend-protocol: HTTPS and proxy-ssl-secret of the Ingress, or backendTLS of a Proxy'],
  ['perl_', NEVER],
  ['js_', NEVER],
]

/** What keeps requests out: without it the routes would be open, so they are closed. */
const PROTECTIONS = [
  'allow', 'auth_', 'deny', 'internal', 'limit_conn', 'limit_except', 'limit_req', 'modsecurity', 'modsecurity_',
  'proxy_ssl_', 'satisfy', 'secure_link', 'ssl_client_certificate', 'ssl_verify_client', 'valid_referers',
] as const

/** What to use instead; undefined: nothing does the same. */
export function alternativeTo(directive: string): string | undefined {
  if (Object.hasOwn(ALTERNATIVES, directive)) return ALTERNATIVES[directive]
  if (directive.includes('_by_lua')) return NEVER
  return BY_PREFIX.find(([prefix]) => directive.startsWith(prefix))?.[1]
}

/** True for directives whose absence would let requests through. */
export function isConfProtection(directive: string): boolean {
  return PROTECTIONS.some((it) => directive === it || (it.endsWith('_') && directive.startsWith(it)))
}

/** For the documentation. */
export const CONF_ALTERNATIVES: readonly (readonly [string, string])[] = Object.entries(ALTERNATIVES)
