/** Which endpoints are used first: near ones, other zones, draining ones, new ones. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { backend, host, route, withDigest, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, freePort, serve, until, type DataPlane, type Json } from './harness.ts'

const FAR = { priority: 1 }
const DRAINING = { draining: true }

type Endpoint = readonly [string, number, Json?]

function at(peer: Backend, attributes?: Json): Endpoint {
  return attributes === undefined ? ['127.0.0.1', peer.port] : ['127.0.0.1', peer.port, attributes]
}

async function several(test: TestContext, count: number): Promise<readonly Backend[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => backend(test, `web${i}`)))
}

async function push(
  plane: DataPlane, list: readonly Endpoint[], loadBalance: Json = { algorithm: 'round_robin' },
): Promise<void> {
  await plane.put({
    'host/default/a.example': host([route({ policies: { load_balance: loadBalance } })]),
    'backend/test/web/80': withDigest({ endpoints: list }),
  })
}

/** How many of some requests each of the peers gets; all must succeed. */
async function share(http: string, peers: readonly Backend[], requests: number): Promise<readonly number[]> {
  const before = peers.map((peer) => peer.requests)
  for (let i = 0; i < requests; i += 1) assert.equal((await ask(http)).status, 200)
  return peers.map((peer, i) => peer.requests - (before[i] ?? 0))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

async function dead(): Promise<Endpoint> {
  return ['127.0.0.1', await freePort()]
}

everySetup('preference', (setup) => {
  test('other zones are used when there is no near endpoint, and none without need', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 4)
    const [a, b, c, d] = peers as [Backend, Backend, Backend, Backend]
    for (const algorithm of ['round_robin', 'least_request']) {
      await push(plane, [at(a), at(b), at(c, FAR), at(d, FAR)], { algorithm })
      const [, , ...others] = await share(http, peers, 20)
      assert.deepEqual(others, [0, 0])
      await push(plane, [at(c, FAR), at(d, FAR)], { algorithm })
      assert.deepEqual((await share(http, peers, 20)).slice(0, 2), [0, 0])
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('all zones are used when fewer than half of the near endpoints can be', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [near, far, other] = await several(t, 3) as [Backend, Backend, Backend]
    await push(plane, [at(near), await dead(), await dead(), at(far, FAR), at(other, FAR)])
    await until('two of three near ones are ejected', async () => {
      const counts = await share(http, [far, other], 10)
      return sum(counts) > 0
    })
    const counts = await share(http, [near, far, other], 30)
    assert.ok(counts.every((count) => count >= 5), counts.join(' '))
  })

  test('a request that has tried all near endpoints tries others', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [far] = await several(t, 1) as [Backend]
    for (const algorithm of ['round_robin', 'random', 'least_request', 'ewma']) {
      await push(plane, [await dead(), at(far, FAR)], { algorithm })
      assert.deepEqual(await share(http, [far], 4), [4])
      await push(plane, [await dead(), at(far, DRAINING)], { algorithm })
      assert.deepEqual(await share(http, [far], 4), [4])
    }
  })

  test('draining endpoints get nothing as long as there is another', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 3)
    const [a, b, c] = peers as [Backend, Backend, Backend]
    await push(plane, [at(a, DRAINING), at(b, FAR), at(c, { ...DRAINING, ...FAR })])
    assert.deepEqual(await share(http, peers, 10), [0, 10, 0])
    await push(plane, [at(a, DRAINING), at(c, DRAINING)])
    const [first = 0, , third = 0] = await share(http, peers, 20)
    assert.ok(first >= 5 && third >= 5)
  })

  test('a new endpoint gets little at first, in every worker and after a reload; the first ones all', async (t) => {
    const { plane, http, fixture } = await serve(t, setup)
    const peers = await several(t, 3)
    const [a, b, c] = peers as [Backend, Backend, Backend]
    const slow = { algorithm: 'round_robin', slow_start: 3600 }
    await push(plane, [at(a), at(b)], slow)
    const [one = 0, two = 0] = await share(http, peers, 20)
    assert.ok(one >= 5 && two >= 5, 'no endpoint is new in a new backend')
    await push(plane, [at(a), at(b), at(c)], slow)
    // A tenth of the weight of each of the others: 3 of 60.
    const little = async (what: string): Promise<void> => {
      const [, , count = 0] = await share(http, peers, 60)
      assert.ok(count <= 3 + setup.workers, `${what}: ${count}`)
    }
    await little('at first')
    await plane.configure({ ...fixture, salt: 'another' })
    await little('after a reload')
    // Whoever was gone is new again, if a request came meanwhile.
    await push(plane, [at(b), at(c)], slow)
    await share(http, peers, 1)
    await push(plane, [at(a), at(b), at(c)], slow)
    const [again = 0] = await share(http, peers, 60)
    assert.ok(again <= 5 + setup.workers, `${again}`)
    await push(plane, [at(a), at(b), at(c)])
    assert.ok((await share(http, peers, 30)).every((count) => count >= 8))
    assert.deepEqual(plane.errors(), [])
  })

  test('a slow start ends', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 2)
    const [a, b] = peers as [Backend, Backend]
    const slow = { algorithm: 'random', slow_start: 1 }
    await push(plane, [at(a)], slow)
    await share(http, peers, 4)
    await push(plane, [at(a), at(b)], slow)
    await until('the new one has its whole share', async () => {
      const [, count = 0] = await share(http, peers, 40)
      return count >= 15
    })
  })
})
