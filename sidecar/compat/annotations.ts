/**
 * Annotations of ingress-nginx 1.15.1, and older ones that are still found in manifests, which no policy owns. A test
 * holds the list against the policies: each name is in one of the two.
 */
import { knownTable, type Rows } from './known.ts'

const TLS_BACKEND = 'backend-protocol and proxy-ssl-secret'
const WAF = 'a web application firewall in front'
const SNIPPET = 'the annotation resty-ingress.io/conf of the Service, for lines of NGINX that it knows, or the fields of a Proxy'

const BACKENDS: Rows = {
}

const ELSE: Rows = {
  'enable-modsecurity': ['requests are judged by ModSecurity', WAF, 'false'],
  'enable-owasp-core-rules': ['with the OWASP rules', WAF, 'false'],
  'modsecurity-transaction-id': ['the name of a request in its log', `${WAF}; X-Request-ID names a request here`],
  'enable-opentelemetry': ['requests are traced', 'traceparent and the like pass to the backend as they came', 'false'],
  'opentelemetry-trust-incoming-span': ['traces of clients are continued', 'traceparent passes to the backend as it came'],
  'opentelemetry-operation-name': ['the name of the span', ''],
}

const NEVER: Rows = {
  'configuration-snippet': ['text that goes into the location', `--snippets=typed, where all its directives are known here; ${SNIPPET}`],
  'server-snippet': ['text that goes into the server', SNIPPET],
  'stream-snippet': ['text that goes into the stream block', 'the ConfigMaps of TCP and UDP ports, or tcp and udp of a Proxy'],
  'auth-snippet': ['text for the location of the question of auth-url', 'auth-proxy-set-headers and auth-method, or externalAuth of a Proxy'],
  'modsecurity-snippet': ['rules of the firewall, which can run programs', WAF],
}

const NEEDLESS: Rows = {
  'enable-rewrite-log': ['rewrites are written to the error log', 'resty-ingress explain URL tells which route a URL takes, and its policies', 'false'],
  'http2-push-preload': ['files are pushed to clients before they ask; browsers and NGINX have given it up', 'Link: rel=preload, which passes to the client', 'false'],
}

const RATE = 'limit-rps and limit-rpm, which count for each replica'

/** Names that 1.15.1 does not know any more. */
const GONE: Rows = {
  'secure-backends': ['HTTPS to the backend; backend-protocol came after it', TLS_BACKEND, 'false'],
  'secure-verify-ca-secret': ['the authority of the backend\'s certificate; proxy-ssl-secret came after it', TLS_BACKEND],
  'grpc-backend': ['gRPC to the backend; backend-protocol came after it', TLS_BACKEND, 'false'],
  ajp: ['the protocol AJP to the backend, last as a value of backend-protocol', 'HTTP, which servers of AJP speak, too'],
  'add-base-url': ['<base> was written into pages of the backend', 'x-forwarded-prefix tells the backend its path', 'false'],
  'base-url-scheme': ['the scheme in that <base>', 'x-forwarded-prefix tells the backend its path'],
  'enable-influxdb': ['numbers of requests went to InfluxDB', 'metrics for Prometheus: --enable-metrics', 'false'],
  'influxdb-measurement': ['the name of those numbers', 'metrics for Prometheus: --enable-metrics'],
  'influxdb-host': ['the server that they went to', 'metrics for Prometheus: --enable-metrics'],
  'influxdb-port': ['its port', 'metrics for Prometheus: --enable-metrics'],
  'influxdb-server-name': ['the name of this server there', 'metrics for Prometheus: --enable-metrics'],
  'enable-opentracing': ['requests were traced; enable-opentelemetry came after it', 'headers of traces pass to the backend as they came', 'false'],
  'opentracing-trust-incoming-span': ['traces of clients were continued', 'headers of traces pass to the backend as they came'],
  'global-rate-limit': ['requests of a client, counted for all replicas', RATE],
  'global-rate-limit-window': ['the time that they were counted in', RATE],
  'global-rate-limit-key': ['what a client was told by', RATE],
  'global-rate-limit-ignored-cidrs': ['addresses that were not counted', 'limit-allowlist'],
  'lua-resty-waf': ['requests were judged by lua-resty-waf', WAF],
  'lua-resty-waf-debug': ['its log', WAF],
  'lua-resty-waf-ignore-rulesets': ['rules that it left out', WAF],
  'lua-resty-waf-extra-rules': ['further rules', WAF],
  'lua-resty-waf-allow-unknown-content-types': ['what it let pass', WAF],
  'lua-resty-waf-score-threshold': ['from when on it refused', WAF],
  'lua-resty-waf-process-multipart-body': ['whether it read forms', WAF],
  'session-cookie-hash': ['how the cookie of affinity was hashed', 'the cookie names no address, however it is hashed'],
  'upstream-max-fails': ['after how many failures an endpoint was left alone', 'the key ejection-consecutive-failures of the ConfigMap'],
  'upstream-fail-timeout': ['for how long', 'the key ejection-time of the ConfigMap'],
  'enable-dynamic-tls-records': ['small records of TLS at the begin of an answer', '', 'false'],
}

/** By name without prefix. */
export const KNOWN_ANNOTATIONS = knownTable({
  later: { ...BACKENDS, ...ELSE },
  never: NEVER,
  needless: NEEDLESS,
  gone: GONE,
})
