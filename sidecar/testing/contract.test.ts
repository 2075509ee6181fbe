/** The schema of the records: it says what docs/control-api.md shows, and refuses what Lua would refuse. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertContract } from './contract.ts'

const CONTRACT = readFileSync(join(import.meta.dirname, '../../docs/control-api.md'), 'utf8')
const KEYS: Readonly<Record<string, string>> = {
  'host/<listener>/<host>': 'host/default/shop.example.com',
  'backend/<namespace>/<service>/<port>': 'backend/prod/account-user/80',
  'certificate/<namespace>/<secret>': 'certificate/prod/shop-tls',
  'authority/<namespace>/<secret>': 'authority/prod/clients',
  'htpasswd/<namespace>/<secret>': 'htpasswd/prod/users',
  'setting/global': 'setting/global',
  'stream/<tcp|udp>/<port>': 'stream/tcp/5432',
}

/** The example under each heading that names a record's key. */
function examples(): [heading: string, record: object][] {
  const sections = CONTRACT.matchAll(/^### `([^`]+)`[^#]*?```json\n([^`]*)```/gm)
  return [...sections].map(([, heading = '', json = '']) => [heading, JSON.parse(json) as object])
}

test('the examples of the control API keep to the schema', () => {
  assert.deepEqual(examples().map(([heading]) => heading), Object.keys(KEYS))
  for (const [heading, record] of examples()) assertContract({ [KEYS[heading] ?? '']: record })
})

const ENDPOINTS = { digest: 'a', endpoints: [['198.18.1.4', 8080]] }
const ROUTE = {
  path: '/',
  pathType: 'Prefix',
  backends: [{ backend: 'backend/prod/web/80', weight: 1 }],
  policies: {},
  origin: { kind: 'Ingress', namespace: 'prod', name: 'shop', service: 'web', port: '80' },
}

function host(change: object): object {
  return { 'host/default/a.example': { digest: 'a', routes: [{ ...ROUTE, ...change }] } }
}

test('what is right passes', () => {
  assertContract({ 'backend/prod/web/http': ENDPOINTS, ...host({}) })
  assertContract(host({ class: 'c0123456789abcdef0123456789abcdef', policies: { tls_redirect: { code: 308, port: 443 } }, closed: 'x' }))
})

const WRONG: Readonly<Record<string, object>> = {
  'a key of no kind': { 'pod/prod/web': ENDPOINTS },
  'a part too many': { 'backend/prod/web/80/x': ENDPOINTS },
  'no digest': { 'backend/prod/web/80': { endpoints: [] } },
  'a host name as an address': { 'backend/prod/web/80': { digest: 'a', endpoints: [['web.prod', 80]] } },
  'no port': { 'backend/prod/web/80': { digest: 'a', endpoints: [['198.18.1.4']] } },
  'a member that nobody knows': host({ rewrite: '/' }),
  'a policy that nobody knows': host({ policies: { auth: {} } }),
  'a policy that does not act per request': host({ policies: { buffering: {} } }),
  'a policy without its member': host({ policies: { tls_redirect: { code: 308 } } }),
  'a class that is no class': host({ class: 'default' }),
  'a path type of Kubernetes': host({ pathType: 'ImplementationSpecific' }),
  'a backend that is no key': host({ backends: [{ backend: 'web', weight: 1 }] }),
}

for (const [what, records] of Object.entries(WRONG)) {
  test(`refused: ${what}`, () => assert.throws(() => assertContract(records), /break the contract/))
}
