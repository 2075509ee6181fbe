/**
 * Keys of the ConfigMap: what each does, and a bad value. Keys of one group hold at the same time, for one NGINX; each
 * row has a host of its own.
 */
import type { Probe, Row, Scene } from './row.ts'

export interface Setting {
  readonly good: string
  /** What is seen of it at the row's host, whose Ingress has these annotations. */
  readonly shows: readonly Probe[]
  readonly annotations?: Row['beside']
  readonly scene?: Scene
  readonly bad: string
}

export type Settings = Readonly<Record<string, Setting>>

const [AES128, AES256] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']
const LARGE = `/?x-large=${'x'.repeat(6000)}`
const COOKIE = `/?set-cookie=${encodeURIComponent('a=b; Domain=inner.example; Path=/in')}`
const LOCATION = `/?location=${encodeURIComponent('http://inner.example/x')}`
const BUFFERED = { 'proxy-buffering': 'on' }
const FORCED = { 'force-ssl-redirect': 'true' }
const LIMITED = { 'limit-rpm': '1' }
const OUTER = { 'x-forwarded-host': 'outer.example:81, inner.example', 'x-forwarded-port': '81' }
const TRUSTED = { 'x-forwarded-for': '198.18.0.1', 'x-forwarded-proto': 'https' }

/** A directive whose effect no client sees: the configuration that NGINX runs with has it. */
function loaded(good: string, line: RegExp, bad: string, annotations: Row['beside'] = {}): Setting {
  return { good, shows: [{ loaded: line }], bad, annotations }
}

function from(address: string, status: number): readonly Probe[] {
  return [{ headers: { 'x-forwarded-for': address }, status }]
}

const PROCESS: Settings = {
  'worker-processes': loaded('3', /worker_processes 3;/, '0'),
  'worker-cpu-affinity': loaded('auto', /worker_cpu_affinity auto;/, 'all'),
  'worker-shutdown-timeout': loaded('39', /worker_shutdown_timeout 39s?;/, '0'),
  'max-worker-connections': loaded('1025', /worker_connections 1025;/, '1'),
  'max-worker-open-files': loaded('4096', /worker_rlimit_nofile 4096;/, '1'),
  'debug-connections': loaded('198.18.0.0/24', /debug_connection 198\.18\.0\.0\/24;/, 'x'),
  'error-log-level': loaded('warn', /error_log stderr warn;/, 'loud'),
  'keep-alive': loaded('35', /keepalive_timeout 35s?;/, '-1'),
  'keep-alive-requests': loaded('777', /keepalive_requests 777;/, '0'),
  'upstream-keepalive-connections': loaded('36', /keepalive 36;/, '0'),
  'upstream-keepalive-timeout': loaded('37', /keepalive_timeout 37s?;/, '0'),
  'upstream-keepalive-requests': loaded('778', /keepalive_requests 778;/, '0'),
  'upstream-keepalive-time': loaded('2h', /keepalive_time 7200s?;/, '0'),
  'client-header-buffer-size': loaded('2k', /client_header_buffer_size 2048;/, '1q'),
  'large-client-header-buffers': loaded('6 16k', /large_client_header_buffers 6 16384;/, '6'),
  'client-header-timeout': loaded('33', /client_header_timeout 33s?;/, '0'),
  'client-body-timeout': loaded('34', /client_body_timeout 34s?;/, '0'),
  'client-body-buffer-size': loaded('17k', /client_body_buffer_size 17408;/, '1q'),
  'http2-max-concurrent-streams': loaded('77', /http2_max_concurrent_streams 77;/, '0'),
}

const TLS: Settings = {
  'ssl-redirect': { good: 'false', scene: { tls: true }, shows: [{}], bad: 'maybe' },
  'http-redirect-code': {
    good: '307', annotations: FORCED, shows: [{ status: 307 }, { headers: OUTER, status: 307, answer: { location: /^https:\/\/outer\.example(:\d+)?$/ } }], bad: '200',
  },
  'no-tls-redirect-locations': { good: '/free', annotations: FORCED, scene: { path: '/free' }, shows: [{ path: '/free' }], bad: 'free' },
  'preserve-trailing-slash': { good: 'false', annotations: FORCED, shows: [{ path: '/x/', status: 307, answer: { location: /\/x$/ } }], bad: 'maybe' },
  'use-port-in-redirects': { good: 'true', annotations: FORCED, shows: [{ path: '/x', status: 307, answer: { location: /^https:\/\/[^/:]+:\d+\/x$/ } }], bad: 'maybe' },
  'relative-redirects': { good: 'true', annotations: { 'permanent-redirect': '/new' }, shows: [{ status: 301, answer: { location: '/new' } }], bad: 'maybe' },
  'hsts-max-age': { good: '7', shows: [{ tls: true, answer: { 'strict-transport-security': /max-age=7(;|$)/ }, seen: { 'x-forwarded-port': '443' } }], bad: '-1' },
  'hsts-include-subdomains': { good: 'false', shows: [{ tls: true, answer: { 'strict-transport-security': /^(?!.*includeSubDomains)/ } }], bad: 'maybe' },
  'hsts-preload': { good: 'true', shows: [{ tls: true, answer: { 'strict-transport-security': /preload$/ } }], bad: 'maybe' },
  'ssl-protocols': { good: 'TLSv1.2', shows: [{ tls: true, cipher: AES256 }], bad: 'SSLv3' },
  'ssl-ciphers': { good: `${AES256}:${AES128}`, shows: [{ tls: { ciphers: `${AES128}:${AES256}` }, cipher: AES256 }], bad: '; x' },
  'ssl-ecdh-curve': loaded('P-384', /ssl_ecdh_curve secp384r1;/, 'P-1'),
  'ssl-buffer-size': loaded('8k', /ssl_buffer_size 8192;/, '1q'),
  'ssl-session-cache-size': loaded('7m', /ssl_session_cache shared:\w+:7340032;/, '1'),
  'ssl-session-timeout': loaded('7m', /ssl_session_timeout 420s?;/, '0'),
}

const CLIENTS: Settings = {
  'use-forwarded-headers': {
    good: 'true', bad: 'maybe', shows: [
      { headers: TRUSTED, seen: { 'x-forwarded-proto': 'https' } },
      { headers: OUTER, seen: { 'host': 'outer.example:81', 'x-forwarded-host': 'outer.example:81', 'x-forwarded-port': '81', 'x-original-forwarded-host': OUTER['x-forwarded-host'] } },
      { headers: { 'x-forwarded-host': 'no host' }, seen: { host: 'use-forwarded-headers.example' } },
    ],
  },
  'proxy-real-ip-cidr': { good: '127.0.0.0/8', shows: [{ headers: TRUSTED, seen: { 'x-real-ip': '198.18.0.1' } }], bad: '10.0.0.0/33' },
  'compute-full-forwarded-for': { good: 'true', shows: [{ headers: TRUSTED, seen: { 'x-forwarded-for': /^198\.18\.0\.1, / } }], bad: 'maybe' },
  'whitelist-source-range': { good: '127.0.0.0/8,198.18.0.0/24', shows: from('203.0.113.9', 403), bad: 'anybody' },
  'denylist-source-range': { good: '198.18.0.66', shows: from('198.18.0.66', 403), bad: '; allow all' },
  'block-cidrs': { good: '198.18.0.77', shows: from('198.18.0.77', 403), bad: 'x' },
  'block-user-agents': { good: 'evil', shows: [{ headers: { 'user-agent': 'evil' }, status: 403 }], bad: '~(' },
  'block-referers': { good: 'evil', shows: [{ headers: { referer: 'evil' }, status: 403 }], bad: '~(' },
  'limit-req-status-code': { good: '429', annotations: LIMITED, shows: [{ times: 8, statuses: [200, 429] }], bad: '200' },
  'limit-conn-status-code': { good: '430', annotations: { 'limit-connections': '1' }, shows: [{ meanwhile: true, status: 430 }], bad: '200' },
  'annotation-value-word-blocklist': { good: 'forbidden-word', annotations: { 'upstream-vhost': 'forbidden-word.example' }, shows: [{ status: 503 }], bad: 'x'.repeat(200) },
  'allow-cross-namespace-resources': { good: 'true', annotations: { 'custom-headers': 'edge/answers' }, shows: [{ answer: { 'x-custom': 'yes' } }], bad: 'maybe' },
  'global-allowed-response-headers': { good: 'X-Custom', annotations: { 'custom-headers': 'headers' }, shows: [{ answer: { 'x-custom': 'yes' } }], bad: 'a:b' },
}

const PROXYING: Settings = {
  'proxy-send-timeout': {
    good: '1', annotations: { 'proxy-body-size': '0' }, shows: [{ path: '/?unread', method: 'POST', body: 'x'.repeat(2 ** 24), status: 504, sooner: true }], bad: '0',
  },
  'proxy-body-size': { good: '1k', shows: [{ method: 'POST', body: 'x'.repeat(2000), status: 413 }], bad: '1x' },
  'proxy-buffer-size': { good: '16k', shows: [{ path: LARGE }], bad: '8q' },
  'proxy-buffering': loaded('on', /proxy_buffering on;/, 'true'),
  'proxy-buffers-number': loaded('7', /proxy_buffers 7 16384;/, '1'),
  'proxy-busy-buffers-size': loaded('48k', /proxy_busy_buffers_size 49152;/, '8q'),
  'proxy-max-temp-file-size': loaded('7m', /proxy_max_temp_file_size 7340032;/, '1q'),
  'grpc-buffer-size-kb': loaded('18', /grpc_buffer_size 18432;/, '-1', { 'backend-protocol': 'GRPC' }),
  'proxy-next-upstream': { good: 'error timeout http_503', scene: { peers: ['failing', 'web'] }, shows: [{ times: 8 }], bad: 'sometimes' },
  'retry-non-idempotent': { good: 'true', scene: { peers: ['failing', 'web'] }, shows: [{ times: 8, method: 'POST', body: 'some' }], bad: 'maybe' },
  'proxy-cookie-domain': { good: 'inner.example outer.example', shows: [{ path: COOKIE, answer: { 'set-cookie': /Domain=outer\.example/i } }], bad: 'inner.example $host' },
  'proxy-cookie-path': { good: '/in /out', shows: [{ path: COOKIE, answer: { 'set-cookie': /Path=\/out/i } }], bad: '/in' },
  'proxy-redirect-from': { good: 'http://inner.example/', shows: [{ path: LOCATION, answer: { location: 'http://outer.example/x' } }], bad: 'größer' },
  'proxy-redirect-to': { good: 'http://outer.example/', shows: [{ path: LOCATION, answer: { location: 'http://outer.example/x' } }], bad: 'größer' },
  'proxy-http-version': { good: '1.0', shows: [{ seen: { version: '1.0' } }], bad: '2' },
  'proxy-add-original-uri-header': { good: 'true', shows: [{ path: '/a?b', seen: { 'x-original-uri': '/a?b' } }], bad: 'maybe' },
  'proxy-set-headers': { good: 'edge/requests', shows: [{ seen: { 'x-to-backend': 'yes' } }], bad: 'a/b/c' },
  'add-headers': { good: 'edge/answers', shows: [{ answer: { 'x-custom': 'yes' } }], bad: 'a/b/c' },
  'enable-underscores-in-headers': { good: 'true', shows: [{ headers: { x_tenant: 'blue' }, seen: { x_tenant: 'blue' } }], bad: 'maybe' },
}

const ANSWERS: Settings = {
  'server-tokens': { good: 'true', shows: [{ answer: { server: /\/\d/ } }], bad: 'maybe' },
  'hide-headers': { good: 'X-Hidden', shows: [{ path: '/?x-hidden=1', answer: { 'x-hidden': undefined } }], bad: 'a:b' },
  'custom-http-errors': { good: '418', annotations: { 'default-backend': 'spare' }, shows: [{ path: '/?status=418', status: 418, seen: { by: 'other' } }], bad: '200' },
  'use-gzip': { good: 'true', shows: [{ path: '/?fill=2000', headers: { 'accept-encoding': 'gzip' }, answer: { 'content-encoding': 'gzip' } }], bad: 'maybe' },
  'gzip-types': {
    good: 'application/json text/css', shows: [{ path: '/?fill=2000', headers: { 'accept-encoding': 'gzip' }, answer: { 'content-encoding': 'gzip' } }], bad: 'text',
  },
  'gzip-level': loaded('5', /gzip_comp_level 5;/, '10'),
  'gzip-min-length': loaded('1001', /gzip_min_length 1001;/, '-1'),
  'log-format-upstream': { good: '<$host $http_x_quote>', shows: [{ headers: { 'x-quote': 'a' }, line: /^<log-format-upstream\.example a>$/m }], bad: '$nothing' },
  'log-format-escape-json': { good: 'true', shows: [{ headers: { 'x-quote': 'a"b' }, line: /^<log-format-escape-json\.example a\\"b>$/m }], bad: 'maybe' },
}

const STREAMS: Settings = {
  'proxy-stream-timeout': loaded('601', /proxy_timeout 601s?;/, '0'),
  'proxy-stream-next-upstream-timeout': loaded('602', /proxy_next_upstream_timeout 602s?;/, '-1'),
  // With Lua in streams it is Lua that counts.
  'proxy-stream-next-upstream-tries': loaded('7', /proxy_next_upstream_tries 7;|stream\.phase\.init"\)\(7,/, '-1'),
  'log-format-stream': loaded('<$remote_addr $status>', /log_format stream '<\$remote_addr \$status>'/, '$nothing'),
  'proxy-protocol-header-timeout': loaded('8', /proxy_protocol_timeout 8s?;/, '0'),
}

/** Who is asked, and for what; each answer lets in. */
const QUESTIONS: Settings = {
  'worker-processes': loaded('1', /worker_processes 1;/, '0'),
  // The one worker knows which endpoint is busy.
  'load-balance': { good: 'least_request', scene: { peers: ['web', 'other'] }, shows: [{ meanwhile: true, times: 8, backends: 1 }], bad: 'best' },
  'global-auth-url': { good: 'http://{auth}/200?cookie', shows: [{ seen: { 'x-asked': /"url":"\/200/ } }], bad: 'auth.example' },
  'global-auth-method': { good: 'POST', shows: [{ seen: { 'x-asked': /"method":"POST"/ } }], bad: 'LOOK' },
  'global-auth-response-headers': { good: 'X-User, X-Asked', shows: [{ headers: { 'x-user': 'mallory' }, seen: { 'x-user': 'alice' } }], bad: 'X:User' },
  'global-auth-request-redirect': {
    good: 'https://a.example/', shows: [{ seen: { 'x-asked': /"x-auth-request-redirect":"https:\/\/a\.example\/"/ } }], bad: '$evil',
  },
  'global-auth-always-set-cookie': { good: 'true', shows: [{ path: '/?status=500', status: 500, answer: { 'set-cookie': /^asked=1/ } }], bad: 'maybe' },
  'no-auth-locations': { good: '/free', annotations: { 'auth-type': 'basic', 'auth-secret': 'users' }, scene: { path: '/free' }, shows: [{ path: '/free', seen: { 'x-asked': undefined } }], bad: 'free' },
}

/** The opposite of one above. */
const OTHERWISE: Settings = {
  'hsts': { good: 'false', shows: [{ tls: true, status: 302, answer: { 'strict-transport-security': undefined } }], bad: 'maybe' },
  'use-http2': loaded('false', /^(?![^]*\bhttp2( on)?;)/, 'maybe'),
  'ssl-session-cache': loaded('false', /ssl_session_cache (off|none);/, 'maybe'),
  'ssl-reject-handshake': { good: 'true', shows: [{ prefix: 'unknown.', tls: true, refused: true }, { tls: true, status: 302 }], bad: 'maybe' },
  'proxy-stream-next-upstream': loaded('false', /proxy_next_upstream off;/, 'maybe'),
  'disable-http-access-log': loaded('true', /access_log off;/, 'maybe'),
  'force-ssl-redirect': { good: 'true', shows: [{ status: 308 }], bad: 'maybe' },
}

const ASKED_ONCE: readonly Probe[] = Array(2).fill({ headers: { authorization: 'Bearer x' }, seen: { 'x-count': '1' } })

/** Others than the row of that key: `web` may take its time. */
const PATIENT = { 'proxy-read-timeout': '60' }

/** These wait, for nothing: no other request may. */
const IMPATIENT: Settings = {
  'disable-access-log': loaded('true', /access_log off;/, 'maybe'),
  // With the default of 5 s it would be too late for another try.
  'proxy-connect-timeout': {
    good: '1', scene: { peers: ['deaf', 'web'] }, annotations: { ...PATIENT, 'proxy-next-upstream-timeout': '4' },
    shows: [{ times: 8, atOnce: true }], bad: '3x',
  },
  'proxy-read-timeout': { good: '1', shows: [{ path: '/?silent', status: 504, sooner: true }], bad: '-1' },
  'proxy-next-upstream-timeout': {
    good: '1', scene: { peers: ['late', 'web'] }, annotations: PATIENT, shows: [{ times: 8, atOnce: true, statuses: [200, 502] }], bad: '3x',
  },
}

const LESS: Settings = {
  'global-auth-url': { good: 'http://{auth}/204', shows: [{}], bad: 'auth.example' },
  'global-auth-response-headers': { good: 'X-Count', shows: [{ seen: { 'x-count': '1' } }], bad: 'X:User' },
  'global-auth-cache-key': { good: '$http_authorization', shows: ASKED_ONCE, bad: '$(' },
  'global-auth-cache-duration': { good: '204 10m', shows: ASKED_ONCE, bad: 'ever' },
  'enable-auth-access-log': loaded('true', /log_subrequest on;/, 'maybe'),
  'disable-stream-access-log': loaded('true', /^(?![^]*access_log access\.log stream;)/, 'maybe'),
  'log-format-escape-none': { good: 'true', shows: [{ headers: { 'user-agent': 'a"b' }, line: /"a"b"/ }], bad: 'maybe' },
  'enable-real-ip': { good: 'true', shows: [{ headers: { 'x-client-ip': '198.18.0.9' }, seen: { 'x-real-ip': '198.18.0.9' } }], bad: 'maybe' },
  'forwarded-for-header': { good: 'X-Client-IP', shows: [{ headers: { 'x-client-ip': '198.18.0.9' }, seen: { 'x-real-ip': '198.18.0.9' } }], bad: 'a b' },
  'proxy-next-upstream-tries': { good: '1', scene: { peers: ['dead', 'web'] }, shows: [{ times: 8, statuses: [200, 502] }], bad: '-1' },
  'proxy-request-buffering': { good: 'off', shows: [{ path: '/?early', method: 'POST', chunked: 'unfinished', seen: { 'transfer-encoding': 'chunked' } }], bad: 'false' },
  'allow-backend-server-header': { good: 'true', shows: [{ path: '/?server=mine', answer: { server: 'mine' } }], bad: 'maybe' },
  'generate-request-id': { good: 'false', shows: [{ seen: { 'x-request-id': undefined } }], bad: 'maybe' },
  'skip-access-log-urls': { good: '/quiet', shows: [{ path: '/quiet', logged: false }, { path: '/loud', logged: true }], bad: 'quiet' },
  'limit-rate': { good: '1', annotations: BUFFERED, shows: [{ path: '/?fill=1000000', slowAfter: 1 }], bad: 'x' },
  'limit-rate-after': { good: '512', annotations: BUFFERED, shows: [{ path: '/?fill=1000000', slowAfter: 512 * 1024 }], bad: 'x' },
  'limit-conn-zone-variable': { good: '$http_x_client', annotations: LIMITED, shows: [{ times: 8 }], bad: '$(' },
  'strict-validate-path-type': { good: 'false', scene: { path: '/a~b' }, shows: [{ path: '/a~b' }], bad: 'maybe' },
  'service-upstream': { good: 'true', scene: { clusterIp: 'other' }, shows: [{ seen: { by: 'other' } }], bad: 'maybe' },
  'annotations-risk-level': { good: 'Medium', annotations: { 'server-alias': 'high.example' }, shows: [{ status: 503 }], bad: 'None' },
  'disable-proxy-intercept-errors': {
    good: 'true', annotations: { 'custom-http-errors': '418', 'default-backend': 'spare' }, shows: [{ path: '/?status=418', status: 418, seen: { by: 'web' } }], bad: 'maybe',
  },
}

/** Who is not let in has to log in; the host is asked by TLS, since the opposites are there, too. */
const LOGIN: Settings = {
  'global-auth-url': { good: 'http://{auth}/401', shows: [{ tls: true, status: 302 }], bad: 'auth.example' },
  'global-auth-signin': { good: 'https://login.example/', shows: [{ tls: true, status: 302, answer: { location: /^https:\/\/login\.example\// } }], bad: 'javascript:x' },
  'global-auth-signin-redirect-param': { good: 'back', shows: [{ tls: true, status: 302, answer: { location: /\?back=http/ } }], bad: 'a b' },
}

export const GROUPS: Readonly<Record<string, Settings>> = {
  'most of all': { ...PROCESS, ...TLS, ...CLIENTS, ...PROXYING, ...ANSWERS, ...STREAMS },
  'questions': QUESTIONS,
  'less of it': LESS,
  'waiting': IMPATIENT,
  'login': { ...LOGIN, ...OTHERWISE },
}

const BROTLI = 'answers.test.ts: goes before gzip where NGINX has the module, and changes nothing where it does not'
const BROTLI_LINES = '../../../sidecar/nginx/answers.test.ts: Brotli is asked of a NGINX that has it, and of no other'
const EDGE = 'edge-settings.test.ts: logs, addresses, headers and request ids'

/** What hangs on how NGINX is built, needs listeners of its own or another protocol: the test that shows it. */
export const ELSEWHERE: Readonly<Record<string, { readonly shows: `${string}.test.ts: ${string}`; readonly bad: string }>> = {
  'use-proxy-protocol': { shows: 'proxy-protocol.test.ts: HTTP and TLS: the address of a trusted load balancer gives way to that of its client', bad: 'maybe' },
  'proxy-stream-responses': { shows: 'stream-udp.test.ts: with more answers than one the datagrams of a client are one session, whatever worker there is, and with one each has its own', bad: '-1' },
  'enable-brotli': { shows: BROTLI, bad: 'maybe' },
  'brotli-level': { shows: BROTLI_LINES, bad: '12' },
  'brotli-min-length': { shows: BROTLI_LINES, bad: '-1' },
  'brotli-types': { shows: BROTLI_LINES, bad: 'text' },
  'bind-address': { shows: EDGE, bad: 'localhost' },
  'disable-ipv6': { shows: EDGE, bad: 'maybe' },
  'enable-access-log-for-default-backend': { shows: EDGE, bad: 'maybe' },
}
