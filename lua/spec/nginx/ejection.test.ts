/** Endpoints that fail in a row get no more requests, for a time; then one request tries whether they are back. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, freePort, serve, until, type DataPlane, type Json, type Served, type Setup } from './harness.ts'
import { answers, keepsSilent, peer, resetsAfter, type Peer } from './peers.ts'

interface Health {
  readonly ejected: readonly {
    readonly address: string
    readonly port: number
    readonly until_time: number
    readonly times: number
    readonly reason: string
    readonly probing: boolean
  }[]
  readonly counts: Readonly<Record<string, number>>
}

const RULES = { failures: 3, time: 1, max_time: 60, max_percent: 50, server_errors: false }
const POST = { method: 'POST', body: 'x' } as const

async function health(plane: DataPlane): Promise<Health> {
  return JSON.parse((await plane.call('GET', '/v1/health')).text) as Health
}

function records(list: readonly (Peer | Backend)[], rules: Json = {}, policies: Json = {}): Json {
  return {
    'setting/global': withDigest({ ejection: { ...RULES, ...rules } }),
    'backend/test/web/80': endpoints(...list.map(({ port }) => ['127.0.0.1', port] as const)),
    'host/default/a.example': host([route({ policies })]),
  }
}

/** A data plane with good endpoints and one that resets every connection. */
async function oneBad(t: TestContext, setup: Setup, good: number): Promise<Served & { bad: Peer; all: Peer[] }> {
  const served = await serve(t, setup)
  const bad = await peer(t, resetsAfter(''))
  const others = await Promise.all(Array.from({ length: good }, () => peer(t, answers())))
  return { ...served, bad, all: [bad, ...others] }
}

/** Requests until the endpoint is ejected; every one must be answered with 200. */
async function askUntilEjected({ plane, http }: Served, { port }: { readonly port: number }): Promise<void> {
  await until('the endpoint is ejected', async () => {
    assert.equal((await ask(http)).status, 200)
    return (await health(plane)).ejected.some((item) => item.port === port)
  })
}

everySetup('ejection', (setup) => {
  test('failures in a row eject an endpoint for all workers; clients see none of it', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    await plane.put(records(all, { time: 600, max_time: 600 }))
    await askUntilEjected(served, bad)
    const before = bad.requests
    assert.ok(before >= 3)
    for (let i = 0; i < 30; i += 1) assert.equal((await ask(http)).status, 200)
    assert.equal(bad.requests, before)
    const { ejected, counts } = await health(plane)
    const [entry, ...others] = ejected
    const { until_time: time, ...rest } = entry ?? assert.fail('nobody is ejected')
    assert.deepEqual(rest, { backend: 'backend/test/web/80', address: '127.0.0.1', port: bad.port, times: 1, reason: 'error', probing: false })
    assert.ok(time > Date.now() / 1000)
    assert.deepEqual(others, [])
    assert.equal(counts['ejections'], 1)
    assert.equal(counts['retries'], before)
  })

  test('successes in between: an endpoint that fails now and then stays', async (t) => {
    const served = await oneBad(t, { ...setup, workers: 1 }, 1)
    const { plane, http, bad, all } = served
    let failNext = false
    bad.behave = (socket, request) => {
      failNext = !failNext
      return failNext ? resetsAfter('')(socket, request) : answers()(socket, request)
    }
    await plane.put(records(all))
    for (let i = 0; i < 40; i += 1) assert.equal((await ask(http)).status, 200)
    assert.ok(bad.requests >= 15)
    assert.deepEqual((await health(plane)).ejected, [])
  })

  test('after its time one request probes it: failure ejects it for longer, success brings it back', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    await plane.put(records(all))
    await askUntilEjected(served, bad)
    const before = bad.requests
    const again = await until('the probe fails', async () => {
      const answer = await ask(http)
      assert.equal(answer.status, 200)
      const entry = (await health(plane)).ejected.find(({ times }) => times === 2)
      return entry
    })
    assert.equal(bad.requests, before + 1)
    assert.equal(again.reason, 'error')
    bad.behave = answers()
    await until('the probe succeeds', async () => {
      assert.equal((await ask(http)).status, 200)
      return (await health(plane)).ejected.length === 0
    })
    const after = bad.requests
    for (let i = 0; i < 12; i += 1) assert.equal((await ask(http)).status, 200)
    assert.ok(bad.requests >= after + 3)
  })

  test('of many requests at once, one probes', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    await plane.put(records(all))
    await askUntilEjected(served, bad)
    const before = bad.requests
    const waiting: (() => void)[] = []
    bad.behave = (socket, request) => { waiting.push(() => answers()(socket, request)) }
    let probe: Promise<unknown> | undefined
    await until('a probe is under way', async () => {
      const asked = ask(http)
      const first = await Promise.race([asked, until('it waits', () => waiting.length > 0)])
      if (first !== true) return false
      probe = asked
      return true
    })
    const rest = await Promise.all(Array.from({ length: 30 }, () => ask(http)))
    assert.ok(rest.every(({ status }) => status === 200))
    assert.equal(bad.requests, before + 1)
    assert.equal((await health(plane)).ejected[0]?.probing, true)
    for (const answer of waiting) answer()
    await probe
    await until('it is back', async () => (await health(plane)).ejected.length === 0)
  })

  test('a client that gives up at once does not keep an endpoint out', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    await plane.put(records(all))
    await askUntilEjected(served, bad)
    await plane.put(records(all, { time: 600, max_time: 600 }))
    bad.behave = keepsSilent
    const before = bad.requests
    await until('it is probed', async () => {
      const sockets = all.map(() => connect(Number(new URL(http).port), '127.0.0.1').on('error', () => undefined))
      for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
      await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'data'), until('', () => bad.requests > before)])))
      for (const socket of sockets) socket.destroy()
      return bad.requests > before
    })
    bad.behave = answers()
    await until('it is back', async () => {
      assert.equal((await ask(http)).status, 200)
      return (await health(plane)).ejected.length === 0
    })
  })

  test('never more than the share of a backend: then all are used', async (t) => {
    const served = await serve(t, setup)
    const { plane, http } = served
    const [first, second, third] = await Promise.all([0, 1, 2].map(() => peer(t, resetsAfter('')))) as [Peer, Peer, Peer]
    await plane.put(records([first, second, third], { time: 600, max_time: 600 }))
    await until('two are ejected', async () => {
      await ask(http)
      return (await health(plane)).ejected.length >= 2
    })
    for (const one of [first, second, third]) one.behave = answers()
    const before = [first, second, third].map(({ requests }) => requests)
    for (let i = 0; i < 12; i += 1) assert.equal((await ask(http)).status, 200)
    ;[first, second, third].forEach((one, i) => assert.ok(one.requests > (before[i] ?? 0)))
  })

  test('the only endpoint is never ejected', async (t) => {
    const { plane, http, bad } = await oneBad(t, setup, 0)
    await plane.put(records([bad]))
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http)).status, 502)
    assert.equal(bad.requests, 10)
    assert.deepEqual((await health(plane)).ejected, [])
  })

  test('an endpoint that refuses; one that was never retried, since there is one try; a POST', async (t) => {
    const served = await serve(t, setup)
    const { plane, http } = served
    const good = await peer(t, answers())
    const dead = { port: await freePort() } as Peer
    await plane.put(records([dead, good], { time: 600, max_time: 600 }, { retries: { tries: 1 } }))
    const statuses = new Set<number>()
    await until('it is ejected', async () => {
      statuses.add((await ask(http, POST)).status)
      return (await health(plane)).ejected.length === 1
    })
    assert.deepEqual([...statuses].sort(), [200, 502])
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http, POST)).status, 200)
  })

  test('answers of 500 and above count where the setting says so', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    bad.behave = answers('no', '503 Service Unavailable')
    await plane.put(records(all, { time: 600, max_time: 600 }))
    for (let i = 0; i < 30; i += 1) await ask(http)
    assert.deepEqual((await health(plane)).ejected, [])
    await plane.put(records(all, { time: 600, max_time: 600, server_errors: true }))
    await until('it is ejected', async () => {
      const { status } = await ask(http)
      assert.ok(status === 200 || status === 503)
      return (await health(plane)).ejected[0]?.reason === 'http_503'
    })
    for (let i = 0; i < 20; i += 1) assert.equal((await ask(http)).status, 200)
  })

  test('switched off: nobody is ejected', async (t) => {
    const { plane, http, all } = await oneBad(t, setup, 2)
    await plane.put(records(all, { failures: 0 }))
    for (let i = 0; i < 40; i += 1) assert.equal((await ask(http)).status, 200)
    assert.deepEqual((await health(plane)).ejected, [])
  })

  test('an address that is gone and comes again has a clean record', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    await plane.put(records(all, { time: 600, max_time: 600 }))
    await askUntilEjected(served, bad)
    await plane.put(records(all.filter((one) => one !== bad), { time: 600, max_time: 600 }))
    for (let i = 0; i < 4; i += 1) assert.equal((await ask(http)).status, 200)
    await until('it is forgotten', async () => (await health(plane)).ejected.length === 0)
    bad.behave = answers()
    await plane.put(records(all, { time: 600, max_time: 600 }))
    const before = bad.requests
    for (let i = 0; i < 12; i += 1) assert.equal((await ask(http)).status, 200)
    assert.ok(bad.requests > before)
  })

  test('a backend beside it that shares no endpoint never notices', async (t) => {
    const served = await oneBad(t, setup, 2)
    const { plane, http, bad, all } = served
    const other = await backend(t, 'other')
    await plane.put({
      ...records(all),
      'backend/test/other/80': endpoints(other),
      'host/default/b.example': host([route({ backend: 'other' })]),
    })
    await askUntilEjected(served, bad)
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http, { host: 'b.example' })).status, 200)
    assert.equal(other.requests, 10)
  })
})
