/** Rewrites, redirects, names of hosts, and what the backend is told. */
import { protection, type Row, type Rows } from './row.ts'

const REDIRECT = { 'permanent-redirect': 'https://new.example/x' }
const TEMPORAL = { 'temporal-redirect': 'https://new.example/x' }
const REWRITE = { 'rewrite-target': '/new' }
const CANARY = { canary: 'true' }

function canary(good: string, bad: string, beside: Row['beside'] = CANARY): Row {
  return { good, shows: 'canary.test.ts', bad, beside, then: { status: 404 } }
}

export const ROUTING_ROWS: Rows = {
  'rewrite-target': { good: '/new', shows: [{ path: '/old?x=1', seen: { url: '/new?x=1' } }], bad: '/$host', then: { path: '/old', seen: { url: '/old' } } },
  'use-regex': { good: 'true', shows: 'rewrite.test.ts', bad: 'maybe' },
  'x-forwarded-prefix': {
    beside: REWRITE, good: '/app', shows: [{ seen: { 'x-forwarded-prefix': '/app' } }],
    bad: '/$host', then: { seen: { 'x-forwarded-prefix': undefined } },
  },
  'app-root': { good: '/app', shows: [{ status: 302, answer: { location: /\/app$/ } }], bad: 'app' },
  'permanent-redirect': { good: '/new', shows: [{ path: '/old', status: 301, answer: { location: /\/new$/ } }], bad: 'javascript:alert(1)' },
  'permanent-redirect-code': { beside: REDIRECT, good: '307', shows: [{ status: 307 }], bad: '200', then: { status: 301 } },
  'temporal-redirect': { good: 'https://new.example/x', shows: [{ status: 302, answer: { location: 'https://new.example/x' } }], bad: 'ftp://new.example' },
  'temporal-redirect-code': { beside: TEMPORAL, good: '307', shows: [{ status: 307 }], bad: '200', then: { status: 302 } },
  'ssl-redirect': protection('true', 'redirect.test.ts', 'maybe'),
  'force-ssl-redirect': protection('true', [{ status: 308, answer: { location: /^https:/ } }], 'maybe'),
  'preserve-trailing-slash': {
    beside: { 'force-ssl-redirect': 'true' }, good: 'false', shows: [{ path: '/x/', status: 308, answer: { location: /\/x$/ } }],
    bad: 'maybe', then: { path: '/x/', status: 308, answer: { location: /\/x\/$/ } },
  },
  'relative-redirects': { good: 'true', shows: 'proxying.test.ts', bad: 'maybe' },
  'use-port-in-redirects': { good: 'true', shows: 'proxying.test.ts', bad: 'maybe' },
  'from-to-www-redirect': { good: 'true', shows: [{ prefix: 'www.', status: 308 }], bad: 'maybe', then: { prefix: 'www.', status: 404 } },
  'server-alias': { good: 'other-name.example', shows: 'server-alias.test.ts', bad: '~^(.*)$' },
  'upstream-vhost': { good: 'inner.example', shows: [{ seen: { host: 'inner.example' } }], bad: '$http_x' },
  'service-upstream': { good: 'false', shows: 'services.test.ts', bad: 'maybe' },
  'default-backend': { good: 'web', shows: 'custom-errors.test.ts', bad: 'other/web' },
  'custom-http-errors': { good: '404,503', shows: 'custom-errors.test.ts', bad: '200' },
  'disable-proxy-intercept-errors': { good: 'true', shows: 'custom-errors.test.ts', bad: 'maybe' },
  'canary': { good: 'true', shows: 'canary.test.ts', bad: 'maybe' },
  'canary-weight': canary('50', '-1'),
  'canary-weight-total': canary('200', '0', { ...CANARY, 'canary-weight': '1' }),
  'canary-by-header': canary('X-Canary', 'a b'),
  'canary-by-header-value': canary('yes', 'größer', { ...CANARY, 'canary-by-header': 'X-Canary' }),
  'canary-by-header-pattern': canary('^y', '(', { ...CANARY, 'canary-by-header': 'X-Canary' }),
  'canary-by-cookie': canary('choice', 'a;b'),
}
