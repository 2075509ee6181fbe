/** Who may come, how often, and by what proof; CORS, which tells browsers the same. */
import { protection, type Row, type Rows } from './row.ts'

const FAR = '192.0.2.0/24'
const LIMIT = { 'limit-rps': '1000' }
const BASIC = { 'auth-type': 'basic', 'auth-secret': 'users' }
/** Nobody listens there: who would have to be asked, is not let in. */
const EXTERNAL = { 'auth-url': 'http://127.0.0.1:1/' }
const CLIENT = { 'auth-tls-secret': 'prod/ca' }
const SECRET = { 'proxy-ssl-secret': 'ca' }
const CORS = { 'enable-cors': 'true' }
const ORIGIN = { origin: 'https://a.example' }
const ASKED = { ...ORIGIN, 'access-control-request-method': 'GET' }
const PREFLIGHT = { method: 'OPTIONS' as const, headers: ASKED, status: 204 }

/** Good value and bad value of annotations, by name. */
type Values = Readonly<Record<string, readonly [good: string, bad: string]>>

/** Of annotations that one file shows. */
function closing(shows: `${string}.test.ts`, beside: Row['beside'], rows: Values): Rows {
  const all = Object.entries(rows)
  return Object.fromEntries(all.map(([name, [good, bad]]) => [name, protection(good, shows, bad, beside)]))
}

/** Of authentication that goes on without them: with a bad value the service is asked as before. */
function stillAsked(rows: Values): Rows {
  return Object.fromEntries(Object.entries(rows).map(([name, [good, bad]]) =>
    [name, { beside: EXTERNAL, good, shows: 'external-auth.test.ts', bad, then: { status: 500 } }]))
}

function preflight(good: string, name: string, expected: string | RegExp, bad: string): Row {
  return { beside: CORS, good, shows: [{ ...PREFLIGHT, answer: { [name]: expected } }], bad, then: PREFLIGHT }
}

export const PROTECTION_ROWS: Rows = {
  'allowlist-source-range': protection(FAR, [{ status: 403 }], 'anybody'),
  'whitelist-source-range': protection(FAR, [{ status: 403 }], '10.0.0.0/33'),
  'denylist-source-range': protection('127.0.0.0/8', [{ status: 403 }], '; allow all'),
  ...closing('limits.test.ts', {}, { 'limit-rps': ['1', '-1'], 'limit-rpm': ['1', 'x'], 'limit-connections': ['1', '1.5'] }),
  ...closing('limits.test.ts', LIMIT, {
    'limit-burst-multiplier': ['2', 'x'], 'limit-allowlist': ['127.0.0.1', 'x'], 'limit-whitelist': ['127.0.0.1', 'x'],
    'limit-rate': ['10', 'x'], 'limit-rate-after': ['10', 'x'],
  }),
  ...closing('basic-auth-objects.test.ts', BASIC, {
    'auth-type': ['basic', 'digest'], 'auth-secret': ['users', 'other/users'], 'auth-secret-type': ['auth-map', 'auth-files'],
    'auth-realm': ['Staff only', 'Größe'], 'satisfy': ['any', 'either'],
  }),
  ...closing('external-auth.test.ts', EXTERNAL, {
    'auth-url': ['http://127.0.0.1:1/', 'auth.example'], 'auth-method': ['POST', 'LOOK'], 'auth-response-headers': ['X-User', 'X:User'],
    'auth-proxy-set-headers': ['headers', 'a/b/c'], 'auth-request-redirect': ['https://a.example/', '$evil'],
    'auth-cache-key': ['$http_authorization', '$('], 'auth-cache-duration': ['200 10m', 'ever'], 'auth-always-set-cookie': ['true', 'maybe'],
  }),
  ...stillAsked({
    'auth-signin': ['https://a.example/', 'javascript:x'], 'auth-signin-redirect-param': ['rd', 'a b'], 'enable-global-auth': ['false', 'maybe'],
    'auth-keepalive': ['4', 'x'], 'auth-keepalive-requests': ['4', 'x'], 'auth-keepalive-timeout': ['4', 'x'], 'auth-keepalive-share-vars': ['true', 'maybe'],
  }),
  ...closing('backend-tls.test.ts', SECRET, {
    'proxy-ssl-secret': ['ca', 'a/b/c'], 'proxy-ssl-verify': ['on', 'maybe'], 'proxy-ssl-verify-depth': ['2', 'x'], 'proxy-ssl-name': ['b.example', '$host'],
    'proxy-ssl-server-name': ['on', 'maybe'], 'proxy-ssl-protocols': ['TLSv1.3', 'SSLv3'], 'proxy-ssl-ciphers': ['HIGH', '; x'],
  }),
  ...closing('client-certificate.test.ts', CLIENT, {
    'auth-tls-secret': ['prod/ca', 'a/b/c'], 'auth-tls-verify-client': ['on', 'maybe'], 'auth-tls-verify-depth': ['2', 'x'],
    'auth-tls-error-page': ['https://a.example/', 'javascript:x'], 'auth-tls-pass-certificate-to-upstream': ['true', 'maybe'], 'auth-tls-match-cn': ['CN=a', '('],
  }),
  'ssl-passthrough': { good: 'true', shows: 'passthrough.test.ts', bad: 'maybe' },
  'ssl-ciphers': { good: 'HIGH', shows: 'front-tls.test.ts', bad: '; x' },
  'ssl-prefer-server-ciphers': { good: 'true', shows: 'front-tls.test.ts', bad: 'maybe' },
  'enable-cors': { good: 'true', shows: [{ headers: ORIGIN, answer: { 'access-control-allow-origin': /./ } }], bad: 'maybe' },
  'cors-allow-origin': {
    beside: CORS, good: 'https://a.example', shows: [{ headers: ORIGIN, answer: { 'access-control-allow-origin': 'https://a.example' } }],
    bad: 'a.example', then: { headers: ORIGIN, answer: { 'access-control-allow-origin': undefined } },
  },
  'cors-allow-methods': preflight('GET, PUT', 'access-control-allow-methods', /^GET, ?PUT$/, 'G(T'),
  'cors-allow-headers': preflight('X-One', 'access-control-allow-headers', 'X-One', 'X One;'),
  'cors-max-age': preflight('7', 'access-control-max-age', '7', 'x'),
  'cors-allow-credentials': {
    beside: CORS, good: 'false', shows: [{ headers: ORIGIN, answer: { 'access-control-allow-credentials': undefined } }],
    bad: 'maybe', then: { headers: ORIGIN, answer: { 'access-control-allow-credentials': 'true' } },
  },
  'cors-expose-headers': {
    beside: CORS, good: 'X-One', shows: [{ headers: ORIGIN, answer: { 'access-control-expose-headers': 'X-One' } }],
    bad: 'X;One', then: { headers: ORIGIN, answer: { 'access-control-expose-headers': undefined } },
  },
}
