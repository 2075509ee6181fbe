/** Who may come by what proof: passwords, a service that is asked, certificates. */
import { protection, type Probe, type Row, type Rows } from './row.ts'

type More = NonNullable<Row['beside']>

const BASIC = { 'auth-type': 'basic', 'auth-secret': 'users' }
/** alice:secret */
const ALICE: Probe = { headers: { authorization: 'Basic YWxpY2U6c2VjcmV0' }, seen: { authorization: undefined } }
const STRANGER: Probe = { status: 401 }
/** Lets in, and says in X-Asked what it was asked. */
const EXTERNAL = { 'auth-url': 'http://{auth}/200', 'auth-response-headers': 'X-Asked' }

export const BASIC_ROWS: Rows = {
  'auth-type': protection('basic', [ALICE, STRANGER], 'digest', { beside: BASIC }),
  // A service that is asked, too, gets the password; the backend does not.
  'auth-secret': protection('users', [{ ...ALICE, seen: { 'authorization': undefined, 'x-asked': /"authorization":"Basic / } }, STRANGER], 'other/users', {
    beside: { ...BASIC, ...EXTERNAL },
  }),
  'auth-secret-type': protection('auth-map', [ALICE, STRANGER], 'auth-files', { beside: { ...BASIC, 'auth-secret': 'people' } }),
  'auth-realm': protection('Staff only', [{ ...STRANGER, answer: { 'www-authenticate': /realm="Staff only"/ } }], 'Größe', { beside: BASIC }),
  'satisfy': protection('any', [{ seen: { by: 'web' } }], 'either', { beside: { ...BASIC, 'allowlist-source-range': '127.0.0.1' } }),
}

const LOGIN = { 'auth-url': 'http://{auth}/401' }
const COUNTED = { 'auth-response-headers': 'X-Count', 'auth-cache-key': '$http_authorization' }
const ASKED_ONCE: readonly Probe[] = Array(2).fill({ headers: { authorization: 'Bearer x' }, seen: { 'x-count': '1' } })

function asked(good: string, expected: RegExp, bad: string): Row {
  return protection(good, [{ seen: { 'x-asked': expected } }], bad, { beside: EXTERNAL })
}

/** How the service is asked is our matter: it is asked, and with a bad value, too. */
function accepted(good: string, bad: string): Row {
  return { beside: { ...EXTERNAL, 'auth-keepalive': '4' }, good, shows: [{ seen: { 'x-asked': /^{/ } }], bad, then: { seen: { 'x-asked': /^{/ } } }
}

export const EXTERNAL_ROWS: Rows = {
  'auth-url': protection('http://{auth}/401', [STRANGER], 'auth.example'),
  'auth-method': asked('POST', /"method":"POST"/, 'LOOK'),
  'auth-proxy-set-headers': asked('headers', /"x-custom":"yes"/, 'a/b/c'),
  'auth-request-redirect': asked('https://a.example/', /"x-auth-request-redirect":"https:\/\/a\.example\/"/, '$evil'),
  'auth-response-headers': protection('X-User', [{ headers: { 'x-user': 'mallory' }, seen: { 'x-user': 'alice' } }], 'X:User', { beside: EXTERNAL }),
  'auth-cache-key': protection('$http_authorization', ASKED_ONCE, '$(', { beside: { ...EXTERNAL, 'auth-response-headers': 'X-Count' } }),
  'auth-cache-duration': protection('204 10m', ASKED_ONCE, 'ever', { beside: { ...COUNTED, 'auth-url': 'http://{auth}/204' } }),
  'auth-always-set-cookie': protection('true', [{ path: '/?status=500', status: 500, answer: { 'set-cookie': /^asked=1/ } }], 'maybe', {
    beside: { 'auth-url': 'http://{auth}/200?cookie' },
  }),
  'auth-signin': {
    beside: LOGIN, good: 'https://login.example/', shows: [{ status: 302, answer: { location: 'https://login.example/?rd=http://good-auth-signin.example%2F' } }],
    bad: 'javascript:x', then: STRANGER,
  },
  'auth-signin-redirect-param': {
    beside: { ...LOGIN, 'auth-signin': 'https://login.example/' }, good: 'back', shows: [{ status: 302, answer: { location: /\?back=http:\/\// } }],
    bad: 'a b', then: { status: 302, answer: { location: /\?rd=http/ } },
  },
  'enable-global-auth': { beside: EXTERNAL, good: 'false', shows: 'external-auth-global.test.ts: for all by the ConfigMap, on each kind of connection, while NGINX reloads', bad: 'maybe', then: { seen: { 'x-asked': /^{/ } } },
  'auth-keepalive': accepted('4', 'x'),
  'auth-keepalive-requests': accepted('4', 'x'),
  'auth-keepalive-timeout': accepted('4', 'x'),
  'auth-keepalive-share-vars': accepted('true', 'maybe'),
}

/** Certificates of clients. */
function client(good: string, shows: readonly Probe[], bad: string, beside: More = { 'auth-tls-secret': 'authority' }): Row {
  return { ...protection(good, shows, bad, { beside }), scene: { tls: true, hostwide: true }, then: { tls: { as: 'alice' }, status: 503 } }
}

const NO_CERTIFICATE: Probe = { tls: true, status: 400 }
const KNOWN: Probe = { tls: { as: 'alice' }, seen: { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=alice' } }

export const CLIENT_ROWS: Rows = {
  'auth-tls-secret': client('authority', [KNOWN, NO_CERTIFICATE, { tls: { as: 'distant' }, status: 400 }], 'a/b/c'),
  'auth-tls-verify-client': client('optional', [{ tls: true, seen: { 'ssl-client-verify': 'NONE' } }], 'maybe'),
  'auth-tls-verify-depth': client('2', [{ tls: { as: 'distant' }, seen: { 'ssl-client-verify': 'SUCCESS' } }], 'x'),
  'auth-tls-match-cn': client('CN=ali.*', [KNOWN, { tls: { as: 'bob' }, status: 403 }], '('),
  'auth-tls-pass-certificate-to-upstream': client('true', [{ ...KNOWN, seen: { 'ssl-client-cert': /BEGIN/ } }], 'maybe'),
  'auth-tls-error-page': {
    ...client('https://a.example/', [{ tls: true, status: 302, answer: { location: /^https:\/\/a\.example\// } }], 'javascript:x'), then: NO_CERTIFICATE,
  },
}

const [AES128, AES256] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']
const SECURE = { 'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'gateway' }
const VERIFIED = { ...SECURE, 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'backend.internal' }

/** TLS to backends. */
function secure(good: string, shows: readonly Probe[], bad: string, beside: More = SECURE): Row {
  return protection(good, shows, bad, { beside, scene: { peers: ['secure'] } })
}

export const BACKEND_TLS_ROWS: Rows = {
  'proxy-ssl-secret': secure('gateway', [{ seen: { client: 'gateway' } }], 'a/b/c'),
  'proxy-ssl-verify': secure('on', [{ status: 502 }], 'maybe', { ...SECURE, 'proxy-ssl-name': 'other.internal' }),
  'proxy-ssl-name': secure('backend.internal', [{ seen: { by: 'secure' } }], '$host', { ...SECURE, 'proxy-ssl-verify': 'on' }),
  'proxy-ssl-verify-depth': { ...secure('2', [{ seen: { by: 'deep' } }], 'x', VERIFIED), scene: { peers: ['deep'] } },
  'proxy-ssl-server-name': secure('on', [{ seen: { sni: 'backend.internal' } }], 'maybe', VERIFIED),
  'proxy-ssl-protocols': secure('TLSv1.3', [{ seen: { protocol: 'TLSv1.3' } }], 'SSLv3'),
  'proxy-ssl-ciphers': secure(AES128, [{ seen: { cipher: AES128 } }], '; x', { ...SECURE, 'proxy-ssl-protocols': 'TLSv1.2' }),
}

/** A client that likes one cipher best, and knows another. */
function preferring(ciphers: string, cipher: string): Probe {
  return { tls: { maxVersion: 'TLSv1.2', ciphers }, cipher }
}

/** What clients speak with us, or past us. */
export const FRONT_TLS_ROWS: Rows = {
  'ssl-passthrough': {
    scene: { peers: ['secure'], otherwise: ['web'] }, good: 'true', shows: [{ tls: true, seen: { sni: 'good-ssl-passthrough.example', 'x-forwarded-for': undefined } }], bad: 'maybe',
    then: { tls: true, seen: { sni: undefined } },
  },
  'ssl-ciphers': {
    scene: { tls: true }, beside: { 'ssl-redirect': 'false' }, good: AES256, shows: [preferring(`${AES128}:${AES256}`, AES256)],
    bad: '; x', then: preferring(AES128, AES128),
  },
  'ssl-prefer-server-ciphers': {
    scene: { tls: true }, beside: { 'ssl-redirect': 'false', 'ssl-ciphers': `${AES256}:${AES128}` },
    good: 'false', shows: [preferring(`${AES128}:${AES256}`, AES128)], bad: 'maybe', then: preferring(`${AES128}:${AES256}`, AES256),
  },
}
