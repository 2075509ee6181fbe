/** Any record, right or damaged: the API takes or refuses it, requests are answered, and no worker ends. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Json } from '../../../sidecar/ir/types.ts'
import { arbitraryOf, byStart, damaged } from '../../../sidecar/testing/arbitrary.ts'
import { RECORD_SCHEMAS } from '../../../sidecar/testing/contract.ts'
import { fc } from '../../../sidecar/testing/property.ts'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { ask } from './client.ts'
import { serve, variants, type DataPlane, type Served } from './harness.ts'

const KEYS = { host: 'host/default/a.example', backend: 'backend/test/web/80', setting: 'setting/global' }
const RUNS = 500
/** What a configuration declares that has routes whose clients a service is asked about (docs/control-api.md). */
const ASKING = ['asker', 'url', 'host', 'name', 'method', 'redirect'].map((name) => `set $auth_${name} "";`).join(' ')
const PATHS = ['/', '/a', '/(a|b)', '/a/b']

type Members = Readonly<Record<string, Json>>

const PATTERNS = byStart(RECORD_SCHEMAS, {
  // Requests must get somewhere.
  '^backend/': fc.constant('backend/test/web/80'),
  '^[0-9a-f.:]+$': fc.constantFrom('127.0.0.1', '127.0.0.1', '127.0.0.1', '::1'),
  '^[0-9a-f.:]+(/': fc.constantFrom('127.0.0.0/8', '127.0.0.1', '128.0.0.0/1', '::/0', '2001:db8:0:0:0:0:0:0/33', '1/8'),
  '^c[0-9a-f]{32}$': fc.constantFrom('c00000000001', 'c0000000000ff'),
  '^[^ ;=]+$': fc.constant('session'),
  '^certificate/': fc.constant('certificate/default'),
  '^[a-z][a-z0-9_]*$': fc.constantFrom('remote_addr', 'uri', 'request_uri', 'host', 'http_x', 'cookie_x'),
})

type Fix = (value: Json, members: Members, port: number) => Json | undefined

/** Members that a schema alone makes useless, and what stands there instead; undefined: nothing. */
const FIXES: Readonly<Record<string, Fix>> = {
  path: (value, members) => ('pathType' in members ? PATHS[String(value).length % PATHS.length] : value),
  endpoints: (value, _, port) => (Array.isArray(value) ? value.map((item: Json) => onPort(item, port)) : value),
  timeouts: () => ({ connect: 1, read: 1, send: 1 }),
  canary: (value, members) => ('canaries' in members ? { ...value as Members, total: 1000 } : undefined),
  canaries: (value, members) => ('canary' in members ? value : undefined),
  pattern: (value, members) => ('value' in members ? undefined : value),
  cookie: () => 'x',
}

function onPort(endpoint: Json, port: number): Json {
  return Array.isArray(endpoint) ? (endpoint as readonly Json[]).with(1, port) : endpoint
}

function usable(value: Json, port: number): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => usable(item, port))
  if (value === null || typeof value !== 'object') return value
  const members = value as Members
  return Object.fromEntries(Object.entries(members).flatMap(([name, member]) => {
    const fixed = FIXES[name]?.(member, members, port)
    if (fixed === undefined && name in FIXES) return []
    return [[name, usable(fixed ?? member, port)] as const]
  }))
}

async function pids(plane: DataPlane): Promise<readonly number[]> {
  return (await plane.status()).workers.map(({ pid }) => pid).sort()
}

async function luaErrors(plane: DataPlane): Promise<number> {
  const { counts } = JSON.parse((await plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }
  return counts['lua_errors'] ?? -1
}

/** Counts the records that were taken and the requests that a backend answered: a test of refusals alone is none. */
async function push({ plane, http }: Served, set: Members, seen: { taken: number; answered: number }): Promise<void> {
  const answer = await plane.call('PUT', '/v1/records', JSON.stringify({ set }))
  assert.ok(answer.status < 500, `${answer.status} ${answer.text}`)
  for (const headers of [{}, { cookie: 'x=y; session=z', x: 'y' }]) {
    const { status } = await ask(http, { path: '/a?x=b', headers })
    assert.ok(status >= 200 && status < 600)
    if (status === 200) seen.answered += 1
  }
  assert.equal(await luaErrors(plane), 0, plane.errors().at(-1))
  seen.taken += Object.keys(set).length - Object.keys(answer.body.rejected ?? {}).length
}

for (const variant of variants()) {
  describe(`fuzz: ${variant}`, () => {
    test('records by the contract, and damaged ones', async (t) => {
      const served = await serve(t, { variant, workers: 2, reloaded: false }, { classes: { c00000000001: '' }, extra: ASKING })
      const web = await backend(t, 'web')
      const { port } = web
      const ordinary = {
        host: host([route({ policies: { load_balance: { algorithm: 'least_request' } } })]) as Json,
        backend: endpoints(web) as Json,
        setting: withDigest({ timeouts: { connect: 1, read: 1, send: 1 } }) as Json,
      }
      const one = ([kind, schema]: readonly [string, (typeof RECORD_SCHEMAS)['host']]): fc.Arbitrary<Members> => {
        const right = arbitraryOf(schema, PATTERNS).map((record) => usable(record, port))
        const plain = ordinary[kind as keyof typeof KEYS]
        const any = fc.oneof(right, right.chain(damaged), fc.constant(plain), damaged(plain))
        return any.map((record) => ({ [KEYS[kind as keyof typeof KEYS]]: record }))
      }
      const sets = fc.tuple(...Object.entries(RECORD_SCHEMAS).map(one))
        .map((list) => Object.assign({}, ...list) as Members)
      const before = await pids(served.plane)
      const seen = { taken: 0, answered: 0 }
      await fc.assert(fc.asyncProperty(sets, (set) => push(served, set, seen)), { numRuns: RUNS })
      assert.ok(seen.taken >= RUNS / 3 && seen.answered >= RUNS / 10, JSON.stringify(seen))
      assert.deepEqual(await pids(served.plane), before)
      assert.deepEqual(served.plane.errors().filter((line) => /\[(alert|emerg|crit)\]/.test(line)), [])
    })

    test('bodies that are no records at all', async (t) => {
      const { plane } = await serve(t, { variant, workers: 1, reloaded: false })
      const before = await pids(plane)
      await fc.assert(fc.asyncProperty(fc.constantFrom('PUT', 'PATCH'), fc.json(), async (method, body) => {
        const { status } = await plane.call(method, '/v1/records', body)
        assert.ok(status < 500)
      }), { numRuns: RUNS })
      for (const body of ['', '{', '\0', '[[[', '['.repeat(100_000), '{"set":{"x":1e999}}', '{"set":{"\\ud800":1}}']) {
        const { status } = await plane.call('PUT', '/v1/records', body)
        assert.ok(status >= 200 && status < 500, `${status} for ${body.slice(0, 20)}`)
      }
      assert.deepEqual(await pids(plane), before)
    })
  })
}
