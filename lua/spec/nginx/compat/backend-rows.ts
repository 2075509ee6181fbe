/** Connections to backends, and what becomes of requests and answers on the way. */
import { protection, type Probe, type Row, type Rows } from './row.ts'

/** An answer of the backend with this header. */
function answering(name: string, text: string): string {
  return `/?${new URLSearchParams({ [name]: text }).toString()}`
}

const COOKIE = answering('set-cookie', 'a=b; Domain=inner.example; Path=/in')
const LOCATION = answering('location', 'http://inner.example/x')
const LARGE = answering('x-large', 'x'.repeat(6000))
const BUFFERED = { 'proxy-buffering': 'on' }

/** Memory that only NGINX sees: no other row has this value. */
function loaded(good: string, line: RegExp, bad: string, beside: Row['beside'] = {}): Row {
  return { beside, good, shows: [{ loaded: line }], bad }
}

export const BACKEND_ROWS: Rows = {
  'proxy-body-size': { good: '1k', shows: [{ method: 'POST', body: 'x'.repeat(2000), status: 413 }], bad: '1x', then: { method: 'POST', body: 'x'.repeat(2000) } },
  'proxy-connect-timeout': { scene: { peers: ['deaf'], otherwise: ['web'] }, good: '1', shows: [{ status: 504, sooner: true }], bad: '3x' },
  'proxy-send-timeout': {
    beside: { 'proxy-body-size': '0' }, good: '1', shows: [{ path: '/?unread', method: 'POST', body: 'x'.repeat(2 ** 24), status: 504, sooner: true }], bad: '0',
  },
  'proxy-read-timeout': { good: '1', shows: [{ path: '/?silent', status: 504, sooner: true }], bad: '-1' },
  'proxy-request-buffering': {
    good: 'off', shows: [{ path: '/?early', method: 'POST', chunked: 'unfinished', seen: { 'transfer-encoding': 'chunked' } }],
    bad: 'false', then: { method: 'POST', chunked: 'whole', seen: { 'content-length': '8', body: 'somemore' } },
  },
  'proxy-buffer-size': { good: '16k', shows: [{ path: LARGE }], bad: '8q', then: { path: LARGE, status: 502 } },
  'proxy-buffering': loaded('on', /proxy_buffering on;/, 'true'),
  'proxy-buffers-number': loaded('7', /proxy_buffers 7 4096;/, '1', BUFFERED),
  'proxy-busy-buffers-size': loaded('12k', /proxy_busy_buffers_size 12288;/, '8q', BUFFERED),
  'proxy-max-temp-file-size': loaded('7m', /proxy_max_temp_file_size 7340032;/, '1q', BUFFERED),
  'client-body-buffer-size': loaded('17k', /client_body_buffer_size 17408;/, '16q'),
  'proxy-http-version': { good: '1.0', shows: [{ seen: { version: '1.0' } }], bad: '2', then: { seen: { version: '1.1' } } },
  'connection-proxy-header': { good: 'close', shows: [{ seen: { connection: 'close' } }], bad: 'upgrade' },
  'proxy-cookie-domain': {
    good: 'inner.example outer.example', shows: [{ path: COOKIE, answer: { 'set-cookie': /Domain=outer\.example/i } }],
    bad: 'inner.example $host', then: { path: COOKIE, answer: { 'set-cookie': /Domain=inner\.example/ } },
  },
  'proxy-cookie-path': {
    good: '/in /out', shows: [{ path: COOKIE, answer: { 'set-cookie': /Path=\/out/i } }],
    bad: '/in', then: { path: COOKIE, answer: { 'set-cookie': /Path=\/in/ } },
  },
  'proxy-redirect-from': {
    beside: { 'proxy-redirect-to': 'http://outer.example/' }, good: 'http://inner.example/',
    shows: [{ path: LOCATION, answer: { location: 'http://outer.example/x' } }],
    bad: 'größer', then: { path: LOCATION, answer: { location: 'http://inner.example/x' } },
  },
  'proxy-redirect-to': {
    beside: { 'proxy-redirect-from': 'http://inner.example/' }, good: 'http://outer.example/',
    shows: [{ path: LOCATION, answer: { location: 'http://outer.example/x' } }],
    bad: 'größer', then: { path: LOCATION, answer: { location: 'http://inner.example/x' } },
  },
  'proxy-next-upstream': {
    scene: { peers: ['failing', 'web'] }, good: 'error timeout http_503', shows: [{ times: 8 }], bad: 'sometimes', then: { times: 8, statuses: [200, 503] },
  },
  'proxy-next-upstream-tries': {
    scene: { peers: ['dead', 'web'] }, good: '1', shows: [{ times: 8, statuses: [200, 502] }], bad: '-1', then: { times: 8 },
  },
  'proxy-next-upstream-timeout': {
    scene: { peers: ['late', 'web'] },
    good: '1', shows: [{ times: 8, atOnce: true, statuses: [200, 502] }], bad: '3x', then: { times: 8, atOnce: true },
  },
  'backend-protocol': { scene: { peers: ['grpc'], otherwise: ['web'] }, good: 'GRPC', shows: [{ grpc: true, answer: { 'grpc-status': '0', 'x-trailer': 'end' } }], bad: 'AJP', then: { seen: { by: 'web' } } },
  'fastcgi-index': {
    scene: { peers: ['fastcgi'] }, beside: { 'backend-protocol': 'FCGI' },
    good: 'start.php', shows: [{ path: '/a/', seen: { SCRIPT_NAME: '/a/start.php' } }], bad: '../x', then: { path: '/a/', seen: { SCRIPT_NAME: '/a/' } },
  },
  'fastcgi-params-configmap': protection('params', [{ seen: { APP_ENV: 'production' } }], 'a/b/c', {
    scene: { peers: ['fastcgi'] }, beside: { 'backend-protocol': 'FCGI' },
  }),
  'custom-headers': protection('headers', [{ answer: { 'x-custom': 'yes' } }], 'a/b/c'),
  'mirror-target': { good: 'http://{copies}/{name}', shows: [{ method: 'POST', body: 'some', copied: { method: 'POST', body: 'some', host: /^127\.0\.0\.1/ } }], bad: 'ftp://x' },
  'mirror-host': { beside: { 'mirror-target': 'http://{copies}/{name}' }, good: 'm.example', shows: [{ copied: { host: 'm.example' } }], bad: '$host', then: { copied: { host: /^127\.0\.0\.1/ } } },
  'mirror-request-body': {
    beside: { 'mirror-target': 'http://{copies}/{name}' }, good: 'off', shows: [{ method: 'POST', body: 'some', seen: { body: 'some' }, copied: { body: '' } }],
    bad: 'some', then: { method: 'POST', body: 'some', copied: { body: 'some' } },
  },
  'enable-access-log': { good: 'false', shows: [{ logged: false }], bad: 'maybe', then: { logged: true } },
}

const HASH = { 'upstream-hash-by': '$request_uri' }
const SUBSET = { ...HASH, 'upstream-hash-by-subset': 'true' }
const THREE = { peers: ['web', 'other', 'third'] } as const
const AFFINITY = { affinity: 'cookie' }

/** An attribute of the cookie; with a bad value the cookie is there without it. */
function cookie(good: string, expected: RegExp, bad: string): Row {
  return { beside: AFFINITY, good, shows: [{ answer: { 'set-cookie': expected } }], bad, then: { answer: { 'set-cookie': /^INGRESSCOOKIE=/ } } }
}

/** A session, and a request of it that each backend answers so that another one is tried. */
const BEGIN: Probe = { answer: { 'set-cookie': /^INGRESSCOOKIE=/ } }
const FAIL: Probe = { returning: true, path: '/?status=503', status: 503 }

/** A browser that takes SameSite=None for Strict. */
const OLD_BROWSER = { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.90 Safari/537.36' } }

export const BALANCING_ROWS: Rows = {
  // Without it, and with a key, it is ring_hash.
  'load-balance': {
    scene: THREE, beside: { ...HASH, 'upstream-hash-by-subset-size': '2' },
    good: 'subset', shows: [{ times: 40, backends: 2 }], bad: 'best', then: { times: 24, backends: 1 },
  },
  'upstream-hash-by': { scene: THREE, good: '$request_uri', shows: [{ times: 24, backends: 1 }], bad: '$(', then: { times: 24, backends: 3 } },
  'upstream-hash-by-subset': {
    scene: THREE, beside: { ...HASH, 'upstream-hash-by-subset-size': '2' },
    good: 'true', shows: [{ times: 40, backends: 2 }], bad: 'maybe', then: { times: 24, backends: 1 },
  },
  'upstream-hash-by-subset-size': { scene: THREE, beside: SUBSET, good: '1', shows: [{ times: 24, backends: 1 }], bad: '0', then: { times: 60, backends: 3 } },
  'affinity': {
    scene: THREE, good: 'cookie', shows: [{ answer: { 'set-cookie': /^INGRESSCOOKIE=/ } }, { returning: true, times: 24, backends: 1 }],
    bad: 'ip', then: { answer: { 'set-cookie': undefined } },
  },
  // The cookie stands for the endpoint, of which there is one; and else for the session.
  'affinity-mode': { beside: AFFINITY, good: 'persistent', shows: [{ times: 4, cookies: 1 }], bad: 'fast', then: { times: 4, cookies: 4 } },
  'session-cookie-name': cookie('STICK', /^STICK=/, 'a b'),
  'session-cookie-path': cookie('/app', /; Path=\/app/i, 'app'),
  'session-cookie-domain': cookie('a.example', /; Domain=a\.example/i, 'a;b'),
  'session-cookie-max-age': cookie('60', /; Max-Age=60/i, '60s'),
  'session-cookie-expires': cookie('60', /; Expires=/i, '60s'),
  'session-cookie-samesite': cookie('Strict', /; SameSite=Strict/i, 'Tight'),
  'session-cookie-secure': cookie('true', /; Secure/i, 'maybe'),
  'session-cookie-conditional-samesite-none': {
    beside: { ...AFFINITY, 'session-cookie-samesite': 'None' }, good: 'true', shows: [{ ...OLD_BROWSER, answer: { 'set-cookie': /^(?!.*SameSite)/ } }],
    bad: 'maybe', then: { ...OLD_BROWSER, answer: { 'set-cookie': /SameSite=None/ } },
  },
  'session-cookie-change-on-failure': {
    scene: { peers: ['web', 'other'] }, beside: { ...AFFINITY, 'proxy-next-upstream': 'http_503' },
    good: 'true', shows: [BEGIN, { ...FAIL, answer: { 'set-cookie': /^INGRESSCOOKIE=/ } }],
    bad: 'maybe', then: [BEGIN, { ...FAIL, answer: { 'set-cookie': undefined } }],
  },
}
