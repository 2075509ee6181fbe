/**
 * Keys of the ConfigMap of ingress-nginx 1.15.1 that are no setting here. A test holds the list against the settings:
 * each key is in one of the two.
 */
import { knownTable, type Rows } from './known.ts'

const AUTH = 'a gateway in front, or the backend itself, has to ask who the client is'
const WAF = 'a web application firewall in front'
const SNIPPET = 'the settings and policies that there are; no text becomes configuration here'
const PASSED_ON = 'traceparent and the like pass to the backend as they came'
const CLEAR = 'answers go out as the backend made them; compress there'
const LOGGED = 'the log goes to standard output'
const SIZES = 'nothing needs it: hosts and routes are records, and what NGINX itself hashes is constant'

const ACCESS: Rows = {
  'enable-modsecurity': ['requests are judged by ModSecurity', WAF, 'false'],
  'enable-owasp-modsecurity-crs': ['with the OWASP rules', WAF, 'false'],
}

const FORWARDED: Rows = {
  'forwarded-host-header': ['header with the host that the client asked for', 'X-Forwarded-Host', 'X-Forwarded-Host'],
  'forwarded-for-proxy-protocol-header': ['header for backends with the address of PROXY protocol', 'X-Forwarded-For and X-Real-IP have it', 'X-Forwarded-For'],
  'ignore-invalid-headers': ['headers with wrong names are left out', 'they always are', 'true'],
}

const ANSWER: Rows = {
  'default-type': ['type of files without one', 'no files are served', 'text/html'],
  'gzip-disable': ['for which clients not', CLEAR],
  'app-root': ['where clients that ask for "/" of any host are sent', 'the annotation app-root of an Ingress'],
}

const PROXYING: Rows = {
  'proxy-ssl-location-only': ['certificates for backends belong to locations, not to hosts', 'proxy-ssl-* of each Ingress, which holds for its own paths alone', 'true'],
  'upstream-hash-by': ['the endpoint is chosen by a hash of this text, everywhere', 'the annotation upstream-hash-by of an Ingress'],
  'upstream-hash-by-subset': ['the hash chooses a group', 'the annotation upstream-hash-by-subset of an Ingress', 'false'],
  'upstream-hash-by-subset-size': ['of so many endpoints', 'the annotation upstream-hash-by-subset-size of an Ingress'],
}

const TLS: Rows = {
  'ssl-dh-param': ['parameters for Diffie-Hellman, from a Secret', 'ciphers with elliptic curves'],
  'ssl-session-tickets': ['clients keep their sessions themselves', 'nothing: a ticket would carry a session past another host\'s rules (CVE-2025-23419)', 'false'],
  'ssl-session-ticket-key': ['the key of these tickets', 'nothing, since there are none'],
  'ssl-early-data': ['requests in the first flight of TLS 1.3', 'nothing: they can be sent again by others', 'false'],
  'enable-ocsp': ['answers of OCSP go along with certificates', 'certificates that do not live long', 'false'],
}

const LOGS: Rows = {
  'access-log-path': ['file of the access log', LOGGED, '/var/log/nginx/access.log'],
  'http-access-log-path': ['of HTTP alone', LOGGED],
  'stream-access-log-path': ['of TCP and UDP', LOGGED],
  'access-log-params': ['further parameters of the access log', LOGGED],
  'error-log-path': ['file of the error log', 'it goes to standard error', '/var/log/nginx/error.log'],
  'enable-syslog': ['logs go to a syslog server', 'an agent that reads standard output', 'false'],
  'syslog-host': ['the address of that server', 'an agent that reads standard output'],
  'syslog-port': ['its port', 'an agent that reads standard output'],
}

const TRACES: Rows = {
  'enable-opentelemetry': ['requests are traced', PASSED_ON, 'false'],
  'opentelemetry-config': ['file with the settings of that', PASSED_ON],
  'opentelemetry-operation-name': ['name of a span', PASSED_ON],
  'opentelemetry-trust-incoming-span': ['traces of clients are continued', PASSED_ON],
  'otlp-collector-host': ['where traces are sent', PASSED_ON],
  'otlp-collector-port': ['at which port', PASSED_ON],
  'otel-service-name': ['name of this service in traces', PASSED_ON],
  'otel-sampler': ['which requests are traced', PASSED_ON],
  'otel-sampler-ratio': ['how many of them', PASSED_ON],
  'otel-sampler-parent-based': ['as the client decides', PASSED_ON],
  'otel-max-queuesize': ['spans that may wait', PASSED_ON],
  'otel-max-export-batch-size': ['spans that are sent at once', PASSED_ON],
  'otel-schedule-delay-millis': ['how often', PASSED_ON],
}

const PROCESS: Rows = {
  'disable-ipv6-dns': ['names of backends are looked up for IPv4 only', 'EndpointSlices say which addresses there are; names have all of theirs', 'false'],
  'use-geoip2': ['the country of a client', 'a load balancer that adds it as a header', 'false'],
  'geoip2-autoreload-in-minutes': ['how often its data are read', 'a load balancer that adds it as a header', '0'],
}

const ROWS_NEVER: Rows = {
  'main-snippet': ['text for the whole configuration', SNIPPET],
  'http-snippet': ['text for the http block', SNIPPET],
  'server-snippet': ['text for every server', SNIPPET],
  'location-snippet': ['text for every location', SNIPPET],
  'stream-snippet': ['text for the stream block', SNIPPET],
  'modsecurity-snippet': ['rules of the firewall, which can run programs', WAF],
  'global-auth-snippet': ['text for the location of the login', AUTH],
  'allow-snippet-annotations': ['annotations may bring in text', 'conf of a Service, or a Proxy', 'false'],
}

const NEEDLESS: Rows = {
  'server-name-hash-max-size': ['size of the table of hosts', SIZES],
  'server-name-hash-bucket-size': ['and of its parts', SIZES],
  'map-hash-bucket-size': ['size of tables of maps', SIZES],
  'variables-hash-max-size': ['size of the table of variables', SIZES],
  'variables-hash-bucket-size': ['and of its parts', SIZES],
  'proxy-headers-hash-max-size': ['size of the table of headers', SIZES],
  'proxy-headers-hash-bucket-size': ['and of its parts', SIZES],
  'lua-shared-dicts': ['memory for Lua', 'RESTY_INGRESS_RECORDS_SIZE in the container of OpenResty'],
  'enable-multi-accept': ['a worker takes all waiting connections at once', 'it always does', 'true'],
  'enable-aio-write': ['files are written by threads', 'proxy-buffering: "off", which writes none'],
  'reuse-port': ['a socket for each worker', 'one socket for all: with one each, reloads would lose connections'],
  'enable-serial-reloads': ['one reload after the other', 'they always are', 'true'],
  'nginx-status-ipv4-whitelist': ['who may ask NGINX for its state', 'metrics of the sidecar, at --healthz-port'],
  'nginx-status-ipv6-whitelist': ['the same for IPv6', 'metrics of the sidecar, at --healthz-port'],
  'http2-max-field-size': ['size of a header in HTTP/2; NGINX has given it up', 'large-client-header-buffers'],
  'http2-max-header-size': ['size of all headers in HTTP/2; NGINX has given it up', 'large-client-header-buffers'],
  'http2-max-requests': ['requests of a connection of HTTP/2; NGINX has given it up', 'keep-alive-requests'],
}

/** By key. */
export const KNOWN_KEYS = knownTable({
  later: { ...ACCESS, ...FORWARDED, ...ANSWER, ...PROXYING, ...TLS, ...LOGS, ...TRACES, ...PROCESS },
  never: ROWS_NEVER,
  needless: NEEDLESS,
})
