/** Which endpoints requests go to: shares, live changes, retries, time limits, address families. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, freePort, serve, type Json } from './harness.ts'

async function several(test: TestContext, count: number): Promise<readonly Backend[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => backend(test, `web${i}`)))
}

/** Accepts and never answers. */
async function silent(test: TestContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => sockets.delete(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

everySetup('balancer', (setup) => {
  test('requests are spread evenly, and a change is followed by the next request', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [first, second, third, fourth] = await several(t, 4) as [Backend, Backend, Backend, Backend]
    const records = { 'host/default/a.example': host([route()]) }
    await plane.put({ ...records, 'backend/test/web/80': endpoints(first, second, third) })
    for (let i = 0; i < 30; i += 1) assert.equal((await ask(http)).status, 200)
    for (const one of [first, second, third]) assert.ok(Math.abs(one.requests - 10) <= setup.workers)
    for (let round = 0; round < 10; round += 1) {
      const [keep, drop] = round % 2 === 0 ? [fourth, first] : [first, fourth]
      await plane.put({ ...records, 'backend/test/web/80': endpoints(keep) })
      const before = drop.requests
      for (let i = 0; i < 8; i += 1) assert.equal((await ask(http)).status, 200)
      assert.equal(drop.requests, before)
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('backends of a route get their shares, and none when the weight is 0', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [main, canary, never] = await several(t, 3) as [Backend, Backend, Backend]
    await plane.put({
      'backend/test/main/80': endpoints(main),
      'backend/test/canary/80': endpoints(canary),
      'backend/test/never/80': endpoints(never),
      'host/default/a.example': host([route({
        backends: [
          { backend: 'backend/test/main/80', weight: 80 },
          { backend: 'backend/test/never/80', weight: 0 },
          { backend: 'backend/test/canary/80', weight: 20 },
        ],
      })]),
    })
    for (let i = 0; i < 500; i += 1) await ask(http)
    assert.equal(never.requests, 0)
    assert.equal(main.requests + canary.requests, 500)
    // Five standard deviations of the binomial distribution.
    assert.ok(Math.abs(canary.requests - 100) < 45, `${canary.requests}`)
    assert.deepEqual(plane.errors(), [])
  })

  test('a failed try goes to a peer that was not tried', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    const dead = await Promise.all([freePort(), freePort()])
    await plane.put({
      'host/default/a.example': host([route()]),
      'backend/test/web/80': endpoints(...dead.map((port) => ['127.0.0.1', port] as const), web),
    })
    for (let i = 0; i < 12; i += 1) assert.equal((await ask(http)).status, 200)
    assert.equal(web.requests, 12)
  })

  test('tries end where the policy, the setting, or the endpoints end', async (t) => {
    const { plane, http } = await serve(t, setup, { extra: 'add_header X-Upstreams $upstream_addr always;' })
    const ports = await Promise.all(Array.from({ length: 5 }, freePort))
    const dead = ports.map((port) => ['127.0.0.1', port] as const)
    const tries = async (): Promise<number> => {
      const answer = await ask(http)
      assert.equal(answer.status, 502)
      return String(answer.headers['x-upstreams']).split(',').length
    }
    const push = (policies: Json, extra: Json, list = dead): Promise<void> =>
      plane.put({
        'host/default/a.example': host([route({ policies })]),
        'backend/test/web/80': endpoints(...list),
        ...extra,
      })
    await push({}, {})
    assert.equal(await tries(), 3)
    await push({ retries: { tries: 1 } }, {})
    assert.equal(await tries(), 1)
    await push({ retries: { tries: 0 } }, {})
    assert.equal(await tries(), 5)
    await push({}, { 'setting/global': withDigest({ retries: { tries: 2 } }) })
    assert.equal(await tries(), 2)
    await push({ retries: { tries: 4 } }, { 'setting/global': withDigest({ retries: { tries: 2 } }) })
    assert.equal(await tries(), 4)
    await push({ retries: { tries: 4 } }, {}, dead.slice(0, 2))
    assert.equal(await tries(), 2)
    await push({}, {}, dead.slice(0, 1))
    assert.equal(await tries(), 1)
  })

  test('a time limit of the route is kept, and the retry limit too', async (t) => {
    const { plane, http } = await serve(t, setup, { extra: 'add_header X-Upstreams $upstream_addr always;' })
    const ports = await Promise.all(Array.from({ length: 6 }, () => silent(t)))
    const policies = { timeouts: { read: 1 }, retries: { tries: 6, timeout: 1 } }
    const many = Array.from({ length: 8 }, () => 'b.example')
    await plane.put({
      'backend/test/web/80': endpoints(...ports.map((port) => ['127.0.0.1', port] as const)),
      'host/default/a.example': host([route({ policies: { ...policies, retries: { tries: 1 } } })]),
      'host/default/b.example': host([route({ policies })]),
    })
    const [once, ...repeated] = await Promise.all(['a.example', ...many].map((name) => ask(http, { host: name })))
    assert.equal(once?.status, 504)
    // A try that takes all of the time is the last. NGINX names its peer once more: there is no other.
    for (const { status, headers } of repeated) {
      assert.deepEqual([status, new Set(String(headers['x-upstreams']).split(', ')).size], [502, 1])
    }
  })

  test('endpoints on IPv6, also in mixed and unusual spellings', async (t) => {
    const { plane, http } = await serve(t, setup)
    const six = await backend(t, 'six', undefined, '::1')
    const four = await backend(t, 'four')
    await plane.put({
      'host/default/a.example': host([route({ backend: 'six' })]),
      'host/default/b.example': host([route({ backend: 'four' })]),
      'backend/test/six/80': endpoints(['0:0:0:0:0:0:0:1', six.port]),
      'backend/test/four/80': endpoints(['::FFFF:127.0.0.1', four.port]),
    })
    assert.equal((await ask(http)).status, 200)
    assert.equal((await ask(http, { host: 'b.example' })).status, 200)
    assert.deepEqual(plane.errors(), [])
  })

  test('a connection that the backend closed while idle is no failure', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    for (let i = 0; i < 20; i += 1) {
      assert.equal((await ask(http)).status, 200)
      web.server.closeIdleConnections()
    }
    assert.deepEqual(plane.errors(), [])
  })
})
