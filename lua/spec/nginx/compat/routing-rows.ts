/** Rewrites, redirects, names of hosts, and which Service a request goes to. */
import { protection, type Probe, type Row, type Rows } from './row.ts'

const REDIRECT = { 'permanent-redirect': 'https://new.example/x' }
const TEMPORAL = { 'temporal-redirect': 'https://new.example/x' }
const FORCED = { 'force-ssl-redirect': 'true' }
const PAGES = { 'default-backend': 'spare' }
const MISSING = '/?status=404'
const PAGE: Probe = { path: MISSING, status: 404, seen: { by: 'other', 'x-code': '404', 'x-original-uri': MISSING } }
const OWN_PAGE: Probe = { path: MISSING, status: 404, seen: { by: 'web', 'x-code': undefined } }

export const ROUTING_ROWS: Rows = {
  'rewrite-target': {
    scene: { path: '/old/(.*)' }, good: '/new/$1', shows: [{ path: '/OLD/a/b?x=1', seen: { url: '/new/a/b?x=1' } }],
    bad: '/$host', then: { path: '/old/a', status: 404 },
  },
  'use-regex': {
    scene: { path: '/[a-c]+/x' }, good: 'true', shows: [{ path: '/CAB/x/y', seen: { url: '/CAB/x/y' } }, { path: '/d/x', status: 404 }],
    bad: 'maybe', then: { path: '/cab/x', status: 404 },
  },
  'x-forwarded-prefix': {
    beside: { 'rewrite-target': '/new' }, good: '/app', shows: [{ seen: { 'x-forwarded-prefix': '/app' } }],
    bad: '/$host', then: { seen: { 'x-forwarded-prefix': undefined } },
  },
  'app-root': { good: '/app', shows: [{ status: 302, answer: { location: /\/app$/ } }, { path: '/x', seen: { url: '/x' } }], bad: 'app' },
  'permanent-redirect': {
    good: 'https://new.example/x', shows: [{ path: '/old', status: 301, answer: { location: 'https://new.example/x' } }], bad: 'javascript:alert(1)',
  },
  'permanent-redirect-code': { beside: REDIRECT, good: '307', shows: [{ status: 307 }], bad: '200', then: { status: 301 } },
  'temporal-redirect': { good: 'https://new.example/x', shows: [{ status: 302, answer: { location: 'https://new.example/x' } }], bad: 'ftp://new.example' },
  'temporal-redirect-code': { beside: TEMPORAL, good: '307', shows: [{ status: 307 }], bad: '200', then: { status: 302 } },
  'ssl-redirect': protection('false', [{}], 'maybe', { scene: { tls: true } }),
  'force-ssl-redirect': protection('true', [{ status: 308, answer: { location: /^https:/ } }, { tls: true }], 'maybe'),
  'preserve-trailing-slash': {
    beside: FORCED, good: 'false', shows: [{ path: '/x/', status: 308, answer: { location: /\/x$/ } }],
    bad: 'maybe', then: { path: '/x/', status: 308, answer: { location: /\/x\/$/ } },
  },
  'relative-redirects': {
    beside: { 'permanent-redirect': '/new' }, good: 'true', shows: [{ status: 301, answer: { location: '/new' } }],
    bad: 'maybe', then: { status: 301, answer: { location: /^http:.*\/new$/ } },
  },
  'use-port-in-redirects': {
    beside: FORCED, good: 'true', shows: [{ status: 308, answer: { location: /^https:\/\/[^/:]+:\d+\// } }],
    bad: 'maybe', then: { status: 308, answer: { location: /^https:\/\/[^/:]+\// } },
  },
  'from-to-www-redirect': {
    good: 'true', shows: [{ prefix: 'www.', path: '/x', status: 308, answer: { location: /\/\/good-from-to-www-redirect\.example(:\d+)?\/x$/ } }],
    bad: 'maybe', then: { prefix: 'www.', status: 404 },
  },
  'server-alias': {
    good: 'alias.{name}.example', shows: [{ prefix: 'alias.', seen: { host: 'alias.good-server-alias.example' } }],
    bad: '~^(.*)$', then: { prefix: 'alias.', status: 404 },
  },
  'upstream-vhost': { good: 'inner.example', shows: [{ seen: { host: 'inner.example' } }], bad: '$http_x' },
  'service-upstream': {
    scene: { clusterIp: 'other' }, good: 'true', shows: [{ seen: { by: 'other' } }], bad: 'maybe', then: { seen: { by: 'web' } },
  },
  'default-backend': { scene: { peers: [] }, good: 'spare', shows: [{ seen: { by: 'other', 'x-code': '503', 'x-ingress-name': 'good-default-backend' } }], bad: 'other/web', then: { status: 503 } },
  'custom-http-errors': { beside: PAGES, good: '404,503', shows: [PAGE], bad: '200', then: OWN_PAGE },
  'disable-proxy-intercept-errors': { beside: { ...PAGES, 'custom-http-errors': '404' }, good: 'true', shows: [OWN_PAGE], bad: 'maybe', then: PAGE },
}

/** A canary of an Ingress that leads to `other`; without a reason no request gets to it. */
function canary(good: string, shows: Row['shows'], bad: string, more: Pick<Row, 'beside' | 'then'> = {}): Row {
  return { scene: { main: {} }, good, shows, bad, then: MAIN, ...more, beside: { canary: 'true', ...more.beside } }
}

const MAIN: Probe = { seen: { by: 'other' } }
const ARM: Probe = { seen: { by: 'web' } }
const BY_HEADER = { 'canary-by-header': 'X-Canary' }
const ALWAYS = { 'x-canary': 'always' }

export const CANARY_ROWS: Rows = {
  'canary': { ...canary('true', [ARM], 'maybe'), beside: { 'canary-weight': '100' } },
  'canary-weight': canary('100', [ARM], '-1'),
  'canary-weight-total': canary('200', [{ times: 60, atOnce: true, backends: 2 }], '0', { beside: { 'canary-weight': '100' }, then: { times: 4, backends: 1, seen: { by: 'web' } } }),
  'canary-by-header': canary('X-Canary', [{ ...ARM, headers: ALWAYS }, MAIN], 'a b', { then: { ...MAIN, headers: ALWAYS } }),
  'canary-by-header-value': canary('yes', [{ ...ARM, headers: { 'x-canary': 'yes' } }, { ...MAIN, headers: ALWAYS }], 'größer', {
    beside: BY_HEADER, then: [{ ...MAIN, headers: { 'x-canary': 'yes' } }, { ...MAIN, headers: ALWAYS }],
  }),
  'canary-by-header-pattern': canary('^y', [{ ...ARM, headers: { 'x-canary': 'yyy' } }, { ...MAIN, headers: { 'x-canary': 'no' } }], '(', {
    beside: BY_HEADER, then: { ...MAIN, headers: { 'x-canary': 'yyy' } },
  }),
  'canary-by-cookie': canary('choice', [{ ...ARM, headers: { cookie: 'choice=always' } }, MAIN], 'a;b', { then: { ...MAIN, headers: { cookie: 'choice=always' } } }),
  // A session of the main backend stays there when it may, and else goes by the header.
  'affinity-canary-behavior': {
    scene: { main: { affinity: 'cookie' } }, beside: { canary: 'true', ...BY_HEADER },
    good: 'legacy', shows: [MAIN, { ...ARM, returning: true, headers: ALWAYS }],
    bad: 'none', then: [MAIN, { ...MAIN, returning: true, headers: ALWAYS }],
  },
}
