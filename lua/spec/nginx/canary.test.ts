/** Canaries: arms that take a share of a route's requests. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest, type Backend } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { everySetup, serve, type DataPlane, type Json } from './harness.ts'

const CLIENTS = 200
/** Five standard deviations of a share of CLIENTS, at most. */
const SLACK = 35

function arm(name: string, weight: number, rules: Json = {}): Json {
  const origin = { kind: 'Ingress', namespace: 'test', name, service: name, port: '80' }
  return { backend: `backend/test/${name}/80`, weight, policies: {}, origin, ...rules }
}

interface Pushed {
  readonly total?: number
  readonly sticky?: boolean
  readonly key?: readonly Json[]
  readonly policies?: Json
  /** Other backends than those of all names. */
  readonly backends?: Json
}

async function push(
  plane: DataPlane, peers: readonly Backend[], canaries: readonly Json[], more: Pushed = {},
): Promise<void> {
  const { total = 100, sticky = true, key, policies = {}, backends = {} } = more
  const canary = { total, sticky, ...(key === undefined ? {} : { key }) }
  const records = peers.map((peer) => [`backend/test/${peer.name}/80`, endpoints(peer)] as const)
  await plane.put({
    'host/default/a.example': host([route({ backend: 'main', policies, canary, canaries })]),
    ...Object.fromEntries(records),
    ...backends,
  })
}

async function several(test: TestContext, ...names: readonly string[]): Promise<readonly Backend[]> {
  return Promise.all(names.map((name) => backend(test, name)))
}

async function peerOf(http: string, what: Ask = {}): Promise<string> {
  const answer = await ask(http, what)
  assert.equal(answer.status, 200)
  return answer.text.split(' ')[0] ?? ''
}

/** Which arm each of the clients gets. */
async function armsOf(http: string): Promise<readonly string[]> {
  const names: string[] = []
  for (let i = 0; i < CLIENTS; i += 1) names.push(await peerOf(http, { headers: { 'x-user': `user-${i}` } }))
  return names
}

function count(names: readonly string[], name: string): number {
  return names.filter((it) => it === name).length
}

function pairsOf(reply: Reply): readonly string[] {
  const value = reply.headers['set-cookie'] ?? []
  return [value].flat().map((line) => line.split(';')[0] ?? '')
}

everySetup('canary', (setup) => {
  test('weights out of the total', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one', 'two')
    await push(plane, peers, [arm('one', 200), arm('two', 600)], { total: 1000 })
    const names = await armsOf(http)
    for (const [name, share] of [['main', 0.2], ['one', 0.2], ['two', 0.6]] as const) {
      assert.ok(Math.abs(count(names, name) - CLIENTS * share) < SLACK, `${name}: ${count(names, name)}`)
    }
    await push(plane, peers, [arm('one', 0), arm('two', 0)])
    assert.equal(count(await armsOf(http), 'main'), CLIENTS)
    await push(plane, peers, [arm('one', 100), arm('two', 0)])
    assert.equal(count(await armsOf(http), 'one'), CLIENTS)
    assert.deepEqual(plane.errors(), [])
  })

  test('a known client stays in an arm that gets more weight', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one', 'two', 'three')
    const key = [{ var: 'http_x_user' }]
    const weights = async (one: number, two: number, three: number): Promise<readonly string[]> => {
      await push(plane, peers, [arm('one', one), arm('two', two), arm('three', three)], { key })
      return armsOf(http)
    }
    // Nobody leaves an arm that gets more.
    const keep = (name: string, before: readonly string[], after: readonly string[]): void => {
      assert.equal(before.filter((it, i) => it === name && after[i] !== name).length, 0)
      assert.ok(count(after, name) > count(before, name))
    }
    const ten = await weights(10, 0, 0)
    assert.ok(Math.abs(count(ten, 'one') - CLIENTS / 10) < SLACK)
    assert.deepEqual(await weights(10, 0, 0), ten)
    const twenty = await weights(20, 0, 0)
    keep('one', ten, twenty)
    keep('one', twenty, await weights(50, 0, 0))
    const three = await weights(20, 10, 20)
    keep('two', three, await weights(20, 30, 20))
    keep('three', three, await weights(20, 10, 50))
  })

  test('a header decides before a cookie, a cookie before the weight', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one', 'two')
    const words = { header: { name: 'x-canary' }, cookie: 'canary' }
    await push(plane, peers, [arm('one', 0, words)])
    assert.equal(await peerOf(http), 'main')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'always' } }), 'one')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'perhaps' } }), 'main')
    assert.equal(await peerOf(http, { headers: { cookie: 'canary=always' } }), 'one')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'never', cookie: 'canary=always' } }), 'main')
    await push(plane, peers, [arm('one', 100, words)])
    assert.equal(await peerOf(http), 'one')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'never' } }), 'main')
    assert.equal(await peerOf(http, { headers: { cookie: 'canary=never' } }), 'main')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'always', cookie: 'canary=never' } }), 'one')
    await push(plane, peers, [
      arm('one', 0, { header: { name: 'x-version', value: '1' } }),
      arm('two', 0, { header: { name: 'x-version', pattern: '^2\\.[0-9]+$' } }),
    ])
    for (const [version, name] of [['1', 'one'], ['2.7', 'two'], ['always', 'main'], ['22', 'main']] as const) {
      assert.equal(await peerOf(http, { headers: { 'x-version': version } }), name, version)
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('a pattern that takes too long sends the request to the main backend, at once', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one')
    await push(plane, peers, [arm('one', 100, { header: { name: 'x', pattern: '^(a+)+$' } })])
    assert.equal(await peerOf(http, { headers: { x: 'aaaa' } }), 'one')
    assert.equal(await peerOf(http, { headers: { x: `${'a'.repeat(40)}b` } }), 'main')
  })

  test('a pattern that takes long at each place of a long header does, too, and ends the search', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one', 'two')
    const slow = { header: { name: 'x', pattern: 'x.{0,1000}.{0,1000}[yz]' } }
    await push(plane, peers, [arm('one', 100, slow), arm('two', 0, { header: { name: 'x', pattern: 'x' } })])
    assert.equal(await peerOf(http, { headers: { x: 'x'.repeat(3000) } }), 'main')
    assert.equal(await peerOf(http, { headers: { x: 'a x to y' } }), 'one')
  })

  test('a session stays where it began, whatever the weights', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one')
    const policies = { affinity: { name: 'route', mode: 'balanced' } }
    await push(plane, peers, [arm('one', 50, { policies })], { policies })
    const sessions = new Map<string, string>()
    while (sessions.size < 2) {
      const reply = await ask(http)
      const [cookie = ''] = pairsOf(reply)
      sessions.set(reply.text.split(' ')[0] ?? '', cookie)
    }
    for (const weight of [0, 100]) {
      const always = { header: { name: 'x-canary' } }
      await push(plane, peers, [arm('one', weight, { policies, ...always })], { policies })
      for (const [name, cookie] of sessions) {
        for (const word of ['always', 'never']) {
          assert.equal(await peerOf(http, { headers: { cookie, 'x-canary': word } }), name)
        }
      }
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('where sessions are not sticky, the rules decide, and the cookie tells clients apart', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one')
    const policies = { affinity: { name: 'route', mode: 'balanced' } }
    const rules = { header: { name: 'x-canary' } }
    await push(plane, peers, [arm('one', 0, rules)], { policies, sticky: false })
    const replies = await Promise.all(Array.from({ length: 30 }, () => ask(http)))
    const cookies = replies.map((reply) => pairsOf(reply)[0] ?? '')
    const forced = await ask(http, { headers: { 'x-canary': 'always', cookie: cookies[0] ?? '' } })
    assert.equal(forced.text.split(' ')[0], 'one')
    assert.deepEqual(pairsOf(forced), [])
    const names = async (): Promise<readonly string[]> =>
      Promise.all(cookies.map((cookie) => peerOf(http, { headers: { cookie } })))
    assert.equal(count(await names(), 'main'), 30)
    await push(plane, peers, [arm('one', 50, rules)], { policies, sticky: false })
    const halves = await names()
    assert.equal(new Set(halves).size, 2)
    assert.deepEqual(await names(), halves)
  })

  test('an arm without endpoints takes nothing, and comes by the next request', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'main', 'one')
    const rules = { header: { name: 'x-canary' } }
    const empty = { 'backend/test/one/80': withDigest({ endpoints: [] }) }
    await push(plane, peers, [arm('one', 100, rules)], { backends: empty })
    assert.equal(await peerOf(http), 'main')
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'always' } }), 'main')
    await push(plane, peers, [arm('one', 100, rules)])
    assert.equal(await peerOf(http), 'one')
  })

  test('an arm of a route without main backends takes its share, and no more', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 'one')
    const canary = { total: 100, sticky: true }
    const canaries = [arm('one', 0, { header: { name: 'x-canary' } })]
    await plane.put({
      'host/default/a.example': host([route({ backends: [], canary, canaries })]),
      'backend/test/one/80': endpoints(...peers),
    })
    assert.equal((await ask(http)).status, 503)
    assert.equal(await peerOf(http, { headers: { 'x-canary': 'always' } }), 'one')
  })

  test('the log tells the main backend and the arm', async (t) => {
    const { plane, http } = await serve(t, setup, {
      variables: ['proxy_upstream_name', 'proxy_alternative_upstream_name'],
      extra: 'add_header X-Names "[$proxy_upstream_name] [$proxy_alternative_upstream_name]";',
    })
    const peers = await several(t, 'main', 'one')
    await push(plane, peers, [arm('one', 0, { header: { name: 'x-canary' } })])
    assert.equal((await ask(http)).headers['x-names'], '[test-main-80] []')
    const taken = await ask(http, { headers: { 'x-canary': 'always' } })
    assert.equal(taken.headers['x-names'], '[test-main-80] [test-one-80]')
  })
})
