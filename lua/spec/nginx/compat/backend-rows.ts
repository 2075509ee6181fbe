/** Connections to backends, their choice, and what becomes of requests and answers on the way. */
import { protection, type Row, type Rows } from './row.ts'

const AFFINITY = { affinity: 'cookie' }
const HASH = { 'upstream-hash-by': '$request_uri' }

function cookie(good: string, expected: string | RegExp, bad: string): Row {
  return { beside: AFFINITY, good, shows: [{ answer: { 'set-cookie': expected } }], bad, then: { answer: { 'set-cookie': /^INGRESSCOOKIE=/ } } }
}

/** An answer of the backend with this header. */
function answering(name: string, text: string): string {
  return `/?${new URLSearchParams({ [name]: text }).toString()}`
}

const COOKIE = answering('set-cookie', 'a=b; Domain=inner.example; Path=/in')
const LOCATION = answering('location', 'http://inner.example/x')

function shownBy(file: `${string}.test.ts`, rows: Readonly<Record<string, readonly [good: string, bad: string]>>): Rows {
  return Object.fromEntries(Object.entries(rows).map(([name, [good, bad]]) => [name, { good, shows: file, bad }]))
}

export const BACKEND_ROWS: Rows = {
  'proxy-body-size': { good: '1k', shows: [{ method: 'POST', body: 'x'.repeat(2000), status: 413 }], bad: '1x', then: { method: 'POST', body: 'x'.repeat(2000) } },
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
  ...shownBy('proxying.test.ts', {
    'proxy-connect-timeout': ['3', '3x'],
    'proxy-send-timeout': ['3', '0'],
    'proxy-read-timeout': ['3', '-1'],
    'proxy-buffering': ['on', 'true'],
    'proxy-request-buffering': ['off', 'false'],
    'proxy-buffer-size': ['8k', '8q'],
    'proxy-buffers-number': ['8', '1'],
    'proxy-busy-buffers-size': ['8k', '8q'],
    'proxy-max-temp-file-size': ['0', '1q'],
    'client-body-buffer-size': ['16k', '16q'],
  }),
  ...shownBy('retries.test.ts', {
    'proxy-next-upstream': ['error timeout', 'sometimes'],
    'proxy-next-upstream-timeout': ['3', '3x'],
    'proxy-next-upstream-tries': ['3', '-1'],
  }),
  'backend-protocol': { good: 'HTTP', shows: 'backend-protocols.test.ts', bad: 'AJP' },
  'fastcgi-index': { good: 'index.php', shows: 'backend-protocols.test.ts', bad: '../x' },
  'fastcgi-params-configmap': protection('params', 'backend-protocols.test.ts', 'a/b/c'),
  'custom-headers': protection('headers', 'headers.test.ts', 'a/b/c'),
  'load-balance': { good: 'ewma', shows: 'balancing.test.ts', bad: 'best' },
  'upstream-hash-by': { good: '$request_uri', shows: 'balancing.test.ts', bad: '$(' },
  'upstream-hash-by-subset': { beside: HASH, good: 'true', shows: 'balancing.test.ts', bad: 'maybe' },
  'upstream-hash-by-subset-size': { beside: HASH, good: '2', shows: 'balancing.test.ts', bad: '0' },
  'affinity': { good: 'cookie', shows: [{ answer: { 'set-cookie': /^INGRESSCOOKIE=/ } }], bad: 'ip', then: { answer: { 'set-cookie': undefined } } },
  'affinity-mode': { beside: AFFINITY, good: 'persistent', shows: 'affinity.test.ts', bad: 'fast' },
  'affinity-canary-behavior': { beside: AFFINITY, good: 'legacy', shows: 'affinity.test.ts', bad: 'none' },
  'session-cookie-name': cookie('STICK', /^STICK=/, 'a b'),
  'session-cookie-path': cookie('/app', /; Path=\/app/i, 'app'),
  'session-cookie-domain': cookie('a.example', /; Domain=a\.example/i, 'a;b'),
  'session-cookie-max-age': cookie('60', /; Max-Age=60/i, '60s'),
  'session-cookie-expires': cookie('60', /; Expires=/i, '60s'),
  'session-cookie-samesite': cookie('Strict', /; SameSite=Strict/i, 'Tight'),
  'session-cookie-secure': cookie('true', /; Secure/i, 'maybe'),
  'session-cookie-conditional-samesite-none': { beside: AFFINITY, good: 'true', shows: 'affinity.test.ts', bad: 'maybe' },
  'session-cookie-change-on-failure': { beside: AFFINITY, good: 'true', shows: 'affinity.test.ts', bad: 'maybe' },
  'mirror-target': { good: 'http://127.0.0.1:1/', shows: 'mirror.test.ts', bad: 'ftp://x' },
  'mirror-host': { beside: { 'mirror-target': 'http://127.0.0.1:1/' }, good: 'm.example', shows: 'mirror.test.ts', bad: '$host' },
  'mirror-request-body': { beside: { 'mirror-target': 'http://127.0.0.1:1/' }, good: 'off', shows: 'mirror.test.ts', bad: 'some' },
  'enable-access-log': { good: 'false', shows: 'access-log.test.ts', bad: 'maybe' },
}
