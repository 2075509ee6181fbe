/** Which clients may come, by address and by how often; CORS, which tells browsers. */
import { protection, type Row, type Rows } from './row.ts'

const FAR = '192.0.2.0/24'
/** One at once and one more, of a minute: see the burst. */
const LIMIT = { 'limit-rpm': '1' }
/** NGINX counts what it sends of answers that it reads ahead. */
const BUFFERED = { 'proxy-buffering': 'on' }
/** Of a quarter of an hour, by one KiB in a second. */
const LARGE = { path: '/?fill=1000000' }
const FLOOD = { times: 8, statuses: [200, 503] }

export const ACCESS_ROWS: Rows = {
  'allowlist-source-range': protection(FAR, [{ status: 403 }], 'anybody'),
  'whitelist-source-range': protection(FAR, [{ status: 403 }], '10.0.0.0/33'),
  'denylist-source-range': protection('127.0.0.0/8', [{ status: 403 }], '; allow all'),
  'limit-rps': protection('1', [{ ...FLOOD, times: 40, atOnce: true }], '-1'),
  'limit-rpm': protection('1', [FLOOD], 'x'),
  'limit-connections': protection('1', [{ meanwhile: true, status: 503 }], '1.5'),
  // Five times when it is not said, so that four requests would pass.
  'limit-burst-multiplier': protection('1', [{ ...FLOOD, times: 4 }], 'x', { beside: LIMIT }),
  'limit-allowlist': protection('127.0.0.1', [{ times: 8 }], 'x', { beside: LIMIT }),
  'limit-whitelist': protection('127.0.0.1', [{ times: 8 }], 'x', { beside: LIMIT }),
  'limit-rate': protection('1', [{ ...LARGE, slowAfter: 1 }], 'x', { beside: BUFFERED }),
  'limit-rate-after': protection('512', [{ ...LARGE, slowAfter: 512 * 1024 }], 'x', { beside: { ...BUFFERED, 'limit-rate': '1' } }),
}

const CORS = { 'enable-cors': 'true' }
const ORIGIN = { origin: 'https://a.example' }
const PREFLIGHT = { method: 'OPTIONS' as const, headers: { ...ORIGIN, 'access-control-request-method': 'GET' }, status: 204 }

function preflight(good: string, name: string, expected: string | RegExp, bad: string): Row {
  return { beside: CORS, good, shows: [{ ...PREFLIGHT, answer: { [name]: expected } }], bad, then: PREFLIGHT }
}

export const CORS_ROWS: Rows = {
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
