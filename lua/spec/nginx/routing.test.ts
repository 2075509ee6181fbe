/** Routes that ask for more than a path: the router in NGINX and the one that explains requests take the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { RouteRecord } from '../../../sidecar/dynamic/records.ts'
import { matchingRoutes } from '../../../sidecar/explain/match.ts'
import type { RouteMatch } from '../../../sidecar/ir/types.ts'
import { fc } from '../../../sidecar/testing/property.ts'
import { backend, endpoints, host, route, type Backend } from './backends.ts'
import { raw } from './client.ts'
import { everyVariant, serve, type Json, type Served } from './harness.ts'

const MOST_ROUTES = 6
const RUNS = 250

type Headers = readonly (readonly [name: string, value: string])[]

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
}

type Wanted = Pick<RouteRecord, 'path' | 'pathType' | 'match'>

/** Of routing-cases.json. */
interface Cases {
  readonly name: string
  readonly routes: readonly Wanted[]
  readonly requests: readonly {
    readonly path: string
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly query?: Readonly<Record<string, string>>
    readonly taken: number
  }[]
}

const NAMES = ['x-a', 'x-b']
const VALUES = ['1', '2', 'one', '']
const wantedValue = fc.record(
  { name: fc.constantFrom(...NAMES), value: fc.constantFrom(...VALUES), pattern: fc.constantFrom('^o', '[12]', '(1|e)$') },
  { requiredKeys: ['name'] },
).map(({ pattern, ...rest }) => (pattern === undefined || 'value' in rest ? rest : { ...rest, pattern }))
const wantedValues = fc.array(wantedValue, { minLength: 1, maxLength: 2 })
const match = fc.record(
  { methods: fc.uniqueArray(fc.constantFrom('GET', 'POST', 'DELETE'), { minLength: 1, maxLength: 2 }), headers: wantedValues, query: wantedValues },
  { requiredKeys: [] },
).filter((it) => Object.keys(it).length > 0)
const wanted: fc.Arbitrary<Wanted> = fc.record({
  path: fc.constantFrom('/', '/a', '/a/', '/a/b', '/b', '/a/(b|c)', '/[ab]', '/%C3'),
  pathType: fc.constantFrom('Exact' as const, 'Prefix' as const, 'Prefix' as const, 'Regex' as const),
  match: fc.option(match as fc.Arbitrary<RouteMatch>, { nil: undefined }),
}).map(({ match: asked, ...rest }) => (asked === undefined ? rest : { ...rest, match: asked }))

const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'),
  path: fc.constantFrom('/', '/a', '/A', '/a/', '/a/b', '/a//b/c', '/a%2Fb', '/b/../a/c', '/c', '/%61', '/%25C3'),
  query: fc.constantFrom('', 'x-a=1', 'x-a=1&x-a=2', 'x-b', 'x-a=%31&x-b=o+e', 'X-A=1', `${'y=1&'.repeat(1500)}x-b=2`),
  headers: fc.array(fc.tuple(fc.constantFrom(...NAMES, 'X-A', 'y'), fc.constantFrom(...VALUES)), { maxLength: 3 }),
})

/** The position of the route whose backend answered; the status when none did. */
async function taken({ http }: Served, { method, path, query, headers }: Asked): Promise<number> {
  const lines = ['Host: a.example', 'Connection: close', 'Content-Length: 0', ...headers.map(([name, value]) => `${name}: ${value}`)]
  const target = query === '' ? path : `${path}?${query}`
  const answer = await raw(http, `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const name = /^x-name: (\d+)/im.exec(answer)?.[1]
  return name === undefined ? Number(answer.split(' ')[1]) : Number(name)
}

function expected(routes: readonly Wanted[], { headers, ...rest }: Asked): number {
  const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
  const request = { scheme: 'http', host: 'a.example', authority: 'a.example', ...rest, headers: lower } as const
  return matchingRoutes(routes as readonly RouteRecord[], request)[0] ?? 404
}

async function push({ plane }: Served, routes: readonly Wanted[], peers: readonly Backend[]): Promise<void> {
  const backends = peers.map((peer, i) => [`backend/test/b${i}/80`, endpoints(peer)] as const)
  const records = routes.map((it, i) => route({ ...it, backend: `b${i}` }))
  await plane.put({ 'host/default/a.example': host(records as readonly Json[]), ...Object.fromEntries(backends) })
}

async function peersOf(t: TestContext): Promise<Backend[]> {
  return Promise.all(Array.from({ length: MOST_ROUTES }, (_, i) => {
    return backend(t, String(i), (_request, response) => response.setHeader('x-name', i).end())
  }))
}

everyVariant('routing', (setup) => {
  test('what explains a request agrees with what routes it', async (t) => {
    const served = await serve(t, setup)
    const peers = await peersOf(t)
    const routeSets = fc.array(wanted, { minLength: 1, maxLength: MOST_ROUTES })
    const sets = fc.tuple(routeSets, fc.array(asked, { minLength: 4, maxLength: 8 }))
    let routed = 0
    await fc.assert(fc.asyncProperty(sets, async ([routes, requests]) => {
      await push(served, routes, peers)
      for (const request of requests) {
        const position = await taken(served, request)
        routed += position < MOST_ROUTES ? 1 : 0
        assert.equal(position, expected(routes, request), JSON.stringify(request))
      }
    }), { numRuns: RUNS })
    assert.ok(routed > RUNS / 2, String(routed))
    assert.deepEqual(served.plane.errors(), [])
  })

  test('the shared cases', async (t) => {
    const served = await serve(t, setup)
    const peers = await peersOf(t)
    const text = readFileSync(join(import.meta.dirname, '../pure/routing-cases.json'), 'utf8')
    const cases = JSON.parse(text) as readonly Cases[]
    for (const { name, routes, requests } of cases) {
      await push(served, routes, peers)
      for (const { path, method = 'GET', headers = {}, query = {}, taken: wanted } of requests) {
        const request = { path, method, query: String(new URLSearchParams(query)), headers: Object.entries(headers) }
        // A value ends where its white space begins: no client can send another.
        if (Object.values(headers).some((value) => value.endsWith(' '))) continue
        assert.equal(await taken(served, request), wanted < 0 ? 404 : wanted, `${name}: ${JSON.stringify(request)}`)
        assert.equal(expected(routes, request), wanted < 0 ? 404 : wanted, name)
      }
    }
  })

  test('patterns of which each takes its time hold up a worker only so long', async (t) => {
    const served = await serve(t, setup)
    const slow = (count: number): readonly Json[] => Array.from({ length: count }, (_, i) => ({
      ...route(), match: { headers: [{ name: 'x-a', pattern: `[a-z]{${800 + i}}[0-9]` }] },
    }))
    const request = { method: 'GET', path: '/', query: '', headers: [['x-a', 'a'.repeat(6000)]] as const }
    await served.plane.put({ 'host/default/a.example': host(slow(2)) })
    assert.equal(await taken(served, request), 404)
    await served.plane.put({ 'host/default/a.example': host(slow(200)) })
    assert.equal(await taken(served, request), 500)
    assert.match(served.plane.errors().join(), /took too long together/)
    assert.equal(await taken(served, { ...request, headers: [['x-a', 'short']] }), 404)
  })

  test('patterns that take too long cost 500, and many conditions little', async (t) => {
    const served = await serve(t, { ...setup, workers: 1 })
    const peers = await peersOf(t)
    const explode = { path: '/', pathType: 'Prefix' as const, match: { headers: [{ name: 'x-a', pattern: '^(a+)+$' }] } }
    await push(served, [explode, { path: '/', pathType: 'Prefix' }], peers)
    const request = { method: 'GET', path: '/', query: '' }
    assert.equal(await taken(served, { ...request, headers: [['x-a', `${'a'.repeat(40)}!`]] }), 500)
    assert.equal(await taken(served, { ...request, headers: [['x-a', 'aaa']] }), 0)
    assert.equal(await taken(served, { ...request, headers: [] }), 1)
    const many = Array.from({ length: 1000 }, (_, i) => ({
      path: '/', pathType: 'Prefix' as const, match: { headers: [{ name: 'x-a', value: String(i) }], query: [{ name: 'q', value: 'z' }] },
    }))
    await served.plane.put({
      'host/default/a.example': host(many.map((it) => route({ ...it, backend: 'b0' })) as readonly Json[]),
      'backend/test/b0/80': endpoints(peers[0] as Backend),
    })
    const query = `${'y=1&'.repeat(1500)}q=z`
    assert.equal(await taken(served, { ...request, query, headers: [['x-a', '999'], ...Array(200).fill(['y', 'z']) as Headers] }), 0)
    assert.equal(await taken(served, { ...request, query, headers: [['x-a', '1000']] }), 404)
  })
})
