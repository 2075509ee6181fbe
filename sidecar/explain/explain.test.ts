import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteRecord } from '../dynamic/records.ts'
import type { Origin } from '../ir/origin.ts'
import { explain, type Explanation, type ExplainSources } from './explain.ts'
import { printExplanation } from './print.ts'
import { readRequest, type ExplainRequest } from './request.ts'

const SHOP: Origin = { kind: 'Ingress', namespace: 'prod', name: 'shop', field: 'spec.rules[0].http.paths[0].path' }
const CONF: Origin = { kind: 'Service', namespace: 'prod', name: 'web', field: 'metadata.annotations[conf]', line: 2 }

function route(path: string, rest: Partial<RouteRecord> = {}): RouteRecord {
  const origin = { kind: 'Ingress', namespace: 'prod', name: 'shop', service: 'web', port: '80' }
  const backends = [{ backend: 'backend/prod/web/80', weight: 1 }]
  return { path, pathType: 'Prefix', backends, policies: {}, origin, ...rest }
}

const ROUTES: readonly RouteRecord[] = [
  route('/web/v1', { policies: { timeouts: { read: 600 } } }),
  route('/web', { match: { methods: ['POST'], headers: [{ name: 'x-user', value: 'alice' }], query: [{ name: 'a', pattern: '^1' }] } }),
  route('/web', { closed: 'annotation auth-url protects this route and cannot be honoured' }),
  route('/reg(a+)+', { pathType: 'Regex' }),
  route('/exact', { pathType: 'Exact', backends: [{ backend: 'backend/prod/none/80', weight: 1 }] }),
]

const SOURCES: ExplainSources = {
  records: new Map<string, never>(Object.entries({
    'host/default/test.domain.com': { digest: 'a', routes: ROUTES, certificate: 'certificate/prod/tls' },
    'host/default/*.domain.com': { digest: 'b', routes: [route('/')] },
    'backend/prod/web/80': { digest: 'c', endpoints: [['198.18.1.4', 8080], ['2001:db8::5', 8080, { draining: true }]] },
  }) as never),
  notes: () => [{ origin: SHOP, policies: { timeouts: { read: 600 } }, sources: { timeouts: { read: CONF } } }],
  findings: [{ origin: CONF, severity: 'warning', reason: 'X', message: 'bad \u001b[31m line' }],
  health: new Map([['backend/prod/web/80', new Map([['198.18.1.4:8080', 'ejected (timeout)']])]]),
}

/** With these records in place of all others. */
function askAbout(
  records: Readonly<Record<string, object>>, url: string, method = 'GET', headers: readonly string[] = [],
): Explanation {
  const sources = { ...SOURCES, records: new Map(Object.entries(records)) as ExplainSources['records'] }
  return explain(readRequest(url, method, headers) as ExplainRequest, sources)
}

function ask(url: string, method = 'GET', headers: readonly string[] = []): Explanation {
  return explain(readRequest(url, method, headers) as ExplainRequest, SOURCES)
}

test('an explanation names host, route, reason, policies with their source, backends with their health', () => {
  const { outcome, host, route: found, findings } = ask('http://test.domain.com/web/v1/x')
  assert.equal(outcome, 'sent to an endpoint')
  assert.deepEqual(host, { name: 'test.domain.com', how: 'exact', certificate: 'certificate/prod/tls' })
  assert.equal(found?.object, SHOP)
  assert.equal(found?.why, 'its path is longer than "/web" (Prefix) of Ingress prod/shop')
  assert.deepEqual(found?.policies, [{ name: 'timeouts', value: { read: 600 }, setBy: { read: CONF } }])
  assert.deepEqual(found?.backends[0]?.endpoints, [
    { address: '198.18.1.4:8080', state: 'ejected (timeout)' },
    { address: '[2001:db8::5]:8080', state: 'ok, draining' },
  ])
  assert.equal(findings.length, 1)
})

test('what is in the way of a request is the outcome', () => {
  assert.match(ask('http://other.example/').outcome, /^404: no object claims this host$/)
  assert.match(ask('http://test.domain.com/').outcome, /^404: no route/)
  assert.match(ask('http://test.domain.com/%').outcome, /^400/)
  assert.match(ask('http://test.domain.com/web').outcome, /^503: annotation auth-url/)
  assert.match(ask('http://test.domain.com/exact').outcome, /^503: no backend has an endpoint$/)
})

test('what may answer before, and the default backend, are told', () => {
  const records = new Map<string, never>(Object.entries({
    'setting/global': { digest: 's', default_backend: 'backend/prod/last/80' },
    'host/default/a.example': { digest: 'a', routes: [
      route('/limited', { policies: { limits: { rps: 1 }, tls_redirect: { code: 308, port: 443 } } }),
      route('/moved', { policies: { redirect: { code: 301, location: [{ text: 'https://b.example' }] } } }),
      route('/', { backends: [{ backend: 'backend/prod/none/80', weight: 1 }], default_backend: 'backend/prod/last/80' }),
    ] },
    'host/default/certified.example': { digest: 'd', routes: [], client_certificate: {} },
    'host/default/closed.example': { digest: 'e', routes: [], closed: 'nobody knows what it demands' },
    'backend/prod/last/80': { digest: 'c', endpoints: [['198.18.1.9', 80]] },
  }) as never)
  const of = (url: string): string =>
    explain(readRequest(url, 'GET', []) as ExplainRequest, { ...SOURCES, records }).outcome
  assert.equal(of('http://a.example/limited'), 'sent to https by the policy tls_redirect')
  assert.equal(of('https://a.example/limited'), '503: no backend has an endpoint, unless limits answers first')
  assert.equal(of('http://a.example/moved'), 'answered by the policy redirect')
  assert.equal(of('http://a.example/'), 'sent to the default backend: no other has an endpoint')
  assert.match(of('http://nobody.example/'), /^sent to the default backend backend\/prod\/last\/80, if that has an endpoint/)
  assert.match(of('https://certified.example/'), /^when the certificate of the client is accepted, sent to the default backend/)
  assert.equal(of('https://closed.example/'), '503: nobody knows what it demands')
})

test('policies answer in the order of Lua, and those that miss a Secret answer 503', () => {
  const users = { basic_auth: { users: 'htpasswd/prod/users', realm: '' } }
  const certified = { client_certificate: { authority: 'authority/prod/ca', depth: 1, verify: 'on' } }
  const records = { 'host/default/a.example': { digest: 'a', routes: [
    route('/login', { policies: users }),
    route('/either', { policies: { ...users, satisfy: { any: true } } }),
    route('/certified', { policies: certified }),
    route('/asked', { policies: { direct_response: { status: 200 }, limits: { rps: 1 }, tls_redirect: { code: 308, port: 443 } } }),
    route('/moved', { policies: { redirect: { code: 301, location: [] }, limits: { rps: 1 }, cors: {} } }),
    route('/', { policies: { app_root: { path: '/app' } } }),
  ] } }
  const of = (url: string, more: object = {}): string => askAbout({ ...records, ...more }, url).outcome
  assert.match(of('http://a.example/login'), /^503: the policy basic_auth needs htpasswd\/prod\/users/)
  assert.match(of('http://a.example/login', { 'htpasswd/prod/users': {} }), /, unless basic_auth answers first$/)
  assert.match(of('http://a.example/either'), /, unless basic_auth answers first$/)
  assert.match(of('https://a.example/certified'), /^503: the policy client_certificate needs authority\/prod\/ca/)
  assert.match(of('http://a.example/certified'), /^403/)
  assert.equal(of('http://a.example/asked'), 'sent to https by the policy tls_redirect')
  assert.equal(of('https://a.example/asked'), 'answered by the policy direct_response, unless limits answers first')
  assert.equal(of('http://a.example/moved'), 'answered by the policy redirect')
  assert.equal(askAbout(records, 'http://a.example/moved', 'OPTIONS').outcome, 'answered by the policy redirect, unless cors answers first')
  assert.match(of('http://a.example/'), /by the policy app_root$/)
  assert.match(of('http://a.example/x'), /^503: no backend/)
})

test('layer 4 comes first: ports, and names of TLS whose host is passed on', () => {
  const records = {
    ...Object.fromEntries(SOURCES.records),
    'stream/tcp/5432': { digest: 'x', backend: 'backend/prod/web/80' },
    'passthrough/*.domain.com': { digest: 'y', backend: 'backend/prod/none/443' },
  }
  const of = (url: string, headers: readonly string[] = []): Explanation => askAbout(records, url, 'GET', headers)
  assert.deepEqual([of('tcp://any:5432').listener, of('http://any:5432/').outcome], ['TCP port 5432', 'passed on to an endpoint as it is'])
  assert.equal(of('tcp://any:5432').passed?.endpoints.length, 2)
  assert.equal(of('udp://any:5432').outcome, 'refused: nobody listens there')
  assert.equal(of('tcp://any').listener, 'TCP, without a port')
  const passed = of('https://x.domain.com/', ['Host: test.domain.com'])
  assert.deepEqual([passed.listener, passed.outcome], ['TLS, which passes by its name', 'closed: the backend has no endpoint'])
  assert.equal(passed.host, undefined)
  assert.equal(of('http://x.domain.com/').host?.name, '*.domain.com')
  assert.equal(of('https://test.domain.com/web/v1').listener, 'TLS, which ends here')
})

test('canaries: what of the request decides is told, else the weight does', () => {
  const arm = (name: string, rules: object): object =>
    ({ backend: `backend/prod/${name}/80`, weight: 30, policies: {}, origin: { kind: 'Ingress', namespace: 'prod', name }, ...rules })
  const canaries = [arm('one', { header: { name: 'X-Canary' } }), arm('two', { header: { name: 'X-Canary', value: 'two' }, cookie: 'c' })]
  const records = { 'host/default/a.example': { digest: 'a', routes: [route('/', { canaries } as unknown as Partial<RouteRecord>)] } }
  const shares = (...headers: string[]): (string | undefined)[] =>
    (askAbout(records, 'http://a.example/', 'GET', headers).route?.backends ?? []).slice(1).map(({ canary }) => canary?.share)
  assert.deepEqual(shares(), ['weight', 'weight'])
  assert.deepEqual(shares('X-Canary: always'), ['takes', 'refuses'])
  assert.deepEqual(shares('x-canary: never'), ['refuses', 'weight'])
  assert.deepEqual(shares('X-Canary: two'), ['refuses', 'takes'])
  assert.deepEqual(shares('Cookie: a=b; c=always'), ['refuses', 'takes'])
  assert.match(printExplanation(askAbout(records, 'http://a.example/', 'GET', ['X-Canary: two'])),
    /weight 30, canary of Ingress prod\/two by header X-Canary: two or by cookie c, which takes this request/)
})

test('predicates are all asked for, and the more of them the better', () => {
  const taken = ask('http://test.domain.com/web?b=2&a=10', 'POST', ['X-User: alice'])
  assert.equal(taken.route?.why, 'it asks for more of a request than "/web" (Prefix) of Ingress prod/shop')
  assert.equal(taken.others.length, 1)
  assert.match(ask('http://test.domain.com/web?a=10', 'GET', ['X-User: alice']).outcome, /^503/)
  assert.match(ask('http://test.domain.com/web?a=20', 'POST', ['X-User: alice']).outcome, /^503/)
  assert.match(ask('http://test.domain.com/web?a=10', 'POST', ['X-User: bob']).outcome, /^503/)
})

test('hosts: with port and dot, by wildcard of one label; a pattern that would explode does not', () => {
  assert.equal(ask('http://TEST.domain.com.:8080/web/v1').host?.how, 'exact')
  assert.equal(ask('http://x.domain.com/').host?.how, 'wildcard')
  assert.equal(ask('http://x.y.domain.com/').host, undefined)
  assert.equal(ask(`http://test.domain.com/reg${'a'.repeat(4000)}!`).route?.pathType, 'Regex')
})

test('text for a terminal holds no control sequence', () => {
  const text = printExplanation(ask('http://test.domain.com/web/v1'))
  assert.match(text, /^policy {4}timeouts: \{"read":600\}$/m)
  assert.match(text, /^ {10}read by Service prod\/web metadata.annotations\[conf\] line 2$/m)
  assert.match(text, /bad \\u\{1b\}\[31m line/)
})
