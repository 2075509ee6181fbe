/** How endpoints are chosen: algorithms, what hashes go by, the workers' turns. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest, type Backend, type RouteOptions } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { everySetup, serve, until, type DataPlane, type Json } from './harness.ts'

type TemplatePart = { readonly text: string } | { readonly var: string } | { readonly capture: number }

async function several(test: TestContext, count: number): Promise<readonly Backend[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => backend(test, `web${i}`)))
}

async function push(
  plane: DataPlane, peers: readonly Backend[], loadBalance: Json, options: RouteOptions = {},
): Promise<void> {
  await plane.put({
    'host/default/a.example': host([route({ ...options, policies: { load_balance: loadBalance } })]),
    'backend/test/web/80': endpoints(...peers),
  })
}

/** Name of the endpoint that answered. */
async function peerOf(http: string, what: Ask = {}): Promise<string> {
  const answer = await ask(http, what)
  assert.equal(answer.status, 200)
  return answer.text.split(' ')[0] ?? ''
}

async function peersOf(http: string, count: number, what: (index: number) => Ask): Promise<readonly string[]> {
  const names: string[] = []
  for (let i = 0; i < count; i += 1) names.push(await peerOf(http, what(i)))
  return names
}

everySetup('balancing', (setup) => {
  for (const algorithm of ['random', 'least_request', 'ewma'] as const) {
    test(`${algorithm} uses every endpoint`, async (t) => {
      const { plane, http } = await serve(t, setup)
      const peers = await several(t, 3)
      await push(plane, peers, { algorithm })
      const names = await peersOf(http, 60, () => ({}))
      assert.equal(new Set(names).size, 3)
      assert.deepEqual(plane.errors(), [])
    })
  }

  test('least request keeps away from an endpoint that hangs, and comes back to it', async (t) => {
    const { plane, http } = await serve(t, setup)
    const held: ServerResponse[] = []
    let hang = (): void => {}
    const slow = await backend(t, 'slow', (_, response) => {
      held.push(response)
      hang()
    })
    const fast = await backend(t, 'fast')
    await push(plane, [slow, fast], { algorithm: 'least_request' })
    // A request is over, or hangs.
    const settled = (answer: Promise<Reply>): Promise<unknown> =>
      Promise.race([answer, new Promise<void>((resolve) => { hang = resolve })])
    const release = (): void => { for (const response of held.splice(0)) response.end('slow') }
    const answers: Promise<Reply>[] = []
    for (let i = 0; i < 20; i += 1) await settled(answers[i] = ask(http))
    assert.ok(slow.requests <= setup.workers, `${slow.requests} requests wait where one in each worker should`)
    release()
    await Promise.all(answers)
    await until('requests go to the endpoint again', async () => {
      const before = slow.requests
      const answer = ask(http)
      await settled(answer)
      release()
      await answer
      return slow.requests > before
    })
    assert.deepEqual(plane.errors(), [])
  })

  for (const algorithm of ['ring_hash', 'maglev'] as const) {
    test(`${algorithm}: a key stays with its endpoint in every worker, others have others`, async (t) => {
      const { plane, http } = await serve(t, setup)
      const peers = await several(t, 4)
      const key: TemplatePart[] = [{ var: 'http_x_user' }]
      await push(plane, peers, { algorithm, key })
      // So many that it is not for chance, which gives the endpoints their ports, how they are spread.
      const count = 200
      const users = Array.from({ length: count }, (_, i) => ({ headers: { 'x-user': `user-${i}` } }))
      const first = await peersOf(http, count, (i) => users[i] ?? {})
      assert.equal(new Set(first).size, 4)
      for (let i = 0; i < 2; i += 1) assert.deepEqual(await peersOf(http, count, (j) => users[j] ?? {}), first)
      await push(plane, peers.slice(0, 3), { algorithm, key })
      const after = await peersOf(http, count, (i) => users[i] ?? {})
      const stay = first.filter((name, i) => name === after[i]).length
      assert.ok(stay >= count / 2, `${stay} of ${count} keys stay when one of four endpoints goes`)
      assert.deepEqual(plane.errors(), [])
    })
  }

  test('subset: a key has its endpoints, and uses all of them', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 6)
    await push(plane, peers, { algorithm: 'subset', key: [{ var: 'arg_user' }], subset_size: 2 })
    const names = await peersOf(http, 40, () => ({ path: '/?user=anna' }))
    assert.equal(new Set(names).size, 2)
    const all = await peersOf(http, 150, (i) => ({ path: `/?user=${i}` }))
    assert.equal(new Set(all).size, 6)
  })

  test('a key has texts, variables, and groups of the path; what is missing is empty', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 8)
    const key: TemplatePart[] = [{ capture: 1 }, { text: '/' }, { var: 'cookie_c' }, { capture: 2 }]
    const regex = { path: '/u/([a-z]+)(/x)?', pathType: 'Regex' }
    await push(plane, peers, { algorithm: 'ring_hash', key }, regex)
    const letters = [...'abcdefghijklmnopqrstuvwx']
    const paths = letters.map((letter) => `/u/${letter}`)
    const first = await peersOf(http, 24, (i) => ({ path: paths[i] ?? '' }))
    assert.ok(new Set(first).size > 4)
    assert.deepEqual(await peersOf(http, 24, (i) => ({ path: `${paths[i]}?other=1` })), first)
    assert.notDeepEqual(await peersOf(http, 24, (i) => ({ path: `${paths[i]}/x` })), first)
    const headers = { cookie: 'c=1' }
    assert.notDeepEqual(await peersOf(http, 24, (i) => ({ path: paths[i] ?? '', headers })), first)
    assert.deepEqual(plane.errors(), [])
  })

  test('routes without the policy get that of the setting', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 5)
    const key = [{ var: 'request_uri' }]
    const records = {
      'host/default/a.example': host([route()]),
      'host/default/b.example': host([route({ policies: { load_balance: { algorithm: 'round_robin' } } })]),
      'backend/test/web/80': endpoints(...peers),
    }
    await plane.put({ ...records, 'setting/global': withDigest({ load_balance: { algorithm: 'maglev', key } }) })
    assert.equal(new Set(await peersOf(http, 10, () => ({}))).size, 1)
    assert.ok(new Set(await peersOf(http, 10, () => ({ host: 'b.example' }))).size > 1)
    await plane.put(records)
    assert.ok(new Set(await peersOf(http, 10, () => ({}))).size > 1)
  })

  test('few requests reach all endpoints, whatever the workers do, also after a change', async (t) => {
    const { plane, http, fixture } = await serve(t, setup)
    const peers = await several(t, 11)
    const records = { 'host/default/a.example': host([route()]) }
    const spread = async (list: readonly Backend[], what: string): Promise<void> => {
      const before = list.map((peer) => peer.requests)
      for (let i = 0; i < 20; i += 1) assert.equal((await ask(http)).status, 200)
      const counts = list.map((peer, i) => peer.requests - (before[i] ?? 0))
      // However the kernel spreads them over the workers.
      assert.ok(Math.max(...counts) <= 3 && Math.min(...counts) >= 1, `${what}: ${counts.join(' ')}`)
    }
    await plane.put({ ...records, 'backend/test/web/80': endpoints(...peers.slice(0, 10)) })
    await spread(peers.slice(0, 10), 'at first')
    await plane.put({ ...records, 'backend/test/web/80': endpoints(...peers.slice(1)) })
    await spread(peers.slice(1), 'after a change')
    await plane.configure({ ...fixture, salt: 'another' })
    await spread(peers.slice(1), 'after a reload')
  })

  test('a wrong value is refused with its place', async (t) => {
    const { plane } = await serve(t, setup)
    const refused: readonly (readonly [Json, string])[] = [
      [{ algorithm: 'fastest' }, 'load_balance.algorithm: there is no "fastest"'],
      [{ algorithm: 'maglev' }, 'load_balance.key must say what maglev goes by'],
      [{ algorithm: 'maglev', key: [{ var: 'ssl_client_raw_cert' }] }, 'load_balance.key[0].var: there is no variable'],
      [{ algorithm: 'subset', key: [{ var: 'host' }], subset_size: 0 }, 'load_balance.subset_size must be'],
    ]
    for (const [loadBalance, reason] of refused) {
      const record = host([route({ policies: { load_balance: loadBalance } })])
      const answer = await plane.call('PUT', '/v1/records', { set: { 'host/default/a.example': record } })
      const text = answer.body.rejected['host/default/a.example'] ?? 'accepted'
      assert.ok(text.includes(reason), `${reason} <> ${text}`)
    }
  })
})
