/** Active checks: which endpoints they take out and bring back, and who makes them. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { host, route, withDigest } from './backends.ts'
import { ask } from './client.ts'
import { serve, until, variants, type DataPlane, type Json, type Setup } from './harness.ts'
import { answers, keepsSilent, peer, trickles, type Behaviour, type Peer } from './peers.ts'

interface Unhealthy {
  readonly backend: string
  readonly address: string
  readonly port: number
  readonly reason: string
}

interface Health {
  readonly unhealthy: readonly Unhealthy[]
  readonly counts: Readonly<Record<string, number>>
}

const CHECK = { path: '/healthz?x=1', interval: 1, timeout: 10, healthy: 2, unhealthy: 2 }

async function health(plane: DataPlane): Promise<Health> {
  return JSON.parse((await plane.call('GET', '/v1/health')).text) as Health
}

function records(list: readonly Peer[], check: Json | null = CHECK): Json {
  const backend = { endpoints: list.map(({ port }) => ['127.0.0.1', port]) }
  return {
    'backend/test/web/80': withDigest(check === null ? backend : { ...backend, health_check: check }),
    'host/default/a.example': host([route()]),
  }
}

/** Answers requests; checks get what the test says. */
function checkedBy(behave: Behaviour): Behaviour {
  return (socket, request) => {
    if (request.startsWith('GET /healthz')) behave(socket, request)
    else answers()(socket, request)
  }
}

const good = checkedBy(answers())
const bad = checkedBy(answers('no', '500 Internal Server Error'))

async function unhealthyPorts(plane: DataPlane): Promise<readonly number[]> {
  return (await health(plane)).unhealthy.map(({ port }) => port)
}

function suite(setup: Setup): void {
  test('an endpoint that fails its checks gets no requests until it passes them', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [sick, well] = [await peer(t, bad), await peer(t, good)]
    await plane.put(records([sick, well]))
    const [entry] = await until('it is unhealthy', async () => {
      const { unhealthy } = await health(plane)
      return unhealthy.length > 0 && unhealthy
    }) as readonly Unhealthy[]
    const expected = { backend: 'backend/test/web/80', address: '127.0.0.1', port: sick.port, reason: 'http_500' }
    assert.deepEqual(entry, expected)
    let asked = 0
    sick.behave = (socket, request) => {
      if (!request.startsWith('GET /healthz')) asked += 1
      good(socket, request)
    }
    for (let i = 0; i < 10 && (await unhealthyPorts(plane)).length > 0; i += 1) {
      const before = asked
      assert.equal((await ask(http)).status, 200)
      if ((await unhealthyPorts(plane)).length > 0) assert.equal(asked, before)
    }
    await until('it is back', async () => (await unhealthyPorts(plane)).length === 0)
    for (let i = 0; i < 4; i += 1) assert.equal((await ask(http)).status, 200)
    assert.ok(asked > 0)
    assert.deepEqual(plane.errors(), [])
  })

  test('one worker checks, and another one when that ends', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    const [clock, held] = [await peer(t, good), await peer(t, keepsSilent)]
    const open = new Set<Socket>()
    held.server.on('connection', (socket) => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
    })
    await plane.put(records([clock, held], { ...CHECK, timeout: 60 }))
    // A second prober would by then have had a check of its own wait at the one that never answers.
    const goesOn = async (what: string): Promise<void> => {
      const before = clock.requests
      await until(`checks go on ${what}`, () => clock.requests >= before + 3 && open.size > 0)
      assert.equal(open.size, 1)
    }
    await goesOn('at first')
    for (const { pid } of (await plane.status()).workers) {
      process.kill(pid, 'SIGKILL')
      await until('the worker is replaced', async () => {
        const { workers, worker_count: count } = await plane.status().catch(() => ({ workers: [], worker_count: -1 }))
        return workers.length === count && !workers.some((worker) => worker.pid === pid)
      })
      await goesOn('after the death of a worker')
    }
    // The old workers have none that waits when they stop, nor one that they were about to begin: it would be there
    // until its time is up.
    held.behave = good
    for (const socket of open) socket.destroy()
    const { workers: old } = await plane.status()
    await plane.configure({ ...fixture, salt: 'again' })
    await until('they and theirs have ended', () => open.size === 0 && !old.some(({ pid }) => existsSync(`/proc/${pid}/exe`)))
    held.behave = keepsSilent
    await goesOn('after a reload')
  })

  test('none healthy: all are used', async (t) => {
    const { plane, http } = await serve(t, setup)
    const all = [await peer(t, bad), await peer(t, bad)]
    await plane.put(records(all))
    await until('both are unhealthy', async () => (await unhealthyPorts(plane)).length === 2)
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(http)).status, 200)
    assert.equal((await unhealthyPorts(plane)).length, 2)
  })

  test('what was found is forgotten with the check, the endpoint, or the backend', async (t) => {
    const { plane } = await serve(t, setup)
    const [sick, well] = [await peer(t, bad), await peer(t, good)]
    const ways: readonly Json[] = [records([sick, well], null), records([well]), {}]
    for (const after of ways) {
      await plane.put(records([sick, well]))
      await until('it is unhealthy', async () => (await unhealthyPorts(plane)).length === 1)
      await plane.put(after)
      await until('it is forgotten', async () => (await unhealthyPorts(plane)).length === 0)
    }
  })

  test('the time limit holds for the whole header; other statuses, host and port may be wanted', async (t) => {
    const { plane } = await serve(t, setup)
    const requests: string[] = []
    const elsewhere = await peer(t, (socket, request) => {
      requests.push(request)
      answers('teapot', '418 I am a teapot')(socket, request)
    })
    const slow = await peer(t, trickles('HTTP/1.1 200 OK\r\nX-A: '))
    await plane.put({
      ...records([slow], { ...CHECK, timeout: 1 }),
      'backend/test/other/80': withDigest({
        endpoints: [['127.0.0.1', slow.port]],
        health_check: { ...CHECK, host: 'b.example', port: elsewhere.port, statuses: [[418, 418]] },
      }),
    })
    await until('it is unhealthy', async () => (await health(plane)).unhealthy.length > 0)
    await until('the other is checked often', () => requests.length >= 3)
    const { unhealthy } = await health(plane)
    assert.deepEqual(unhealthy.map(({ backend, reason }) => [backend, reason]), [['backend/test/web/80', 'timeout']])
    const [request = ''] = requests
    assert.match(request, /^GET \/healthz\?x=1 HTTP\/1.1\r\nHost: b.example\r\n/)
  })

  test('no check, nothing sent', async (t) => {
    const { plane } = await serve(t, setup)
    const [plain, checked] = [await peer(t, good), await peer(t, good)]
    await plane.put({
      ...records([plain], null),
      'backend/test/other/80': withDigest({ endpoints: [['127.0.0.1', checked.port]], health_check: CHECK }),
    })
    await until('the one with a check is checked', () => checked.requests >= 3)
    assert.equal(plain.connections, 0)
    await until('they are counted', async () => ((await health(plane)).counts['health_checks'] ?? 0) >= 3)
  })
}

for (const variant of variants()) {
  describe(`health checks: ${variant}`, { concurrency: 3 }, () => suite({ variant, workers: 2, reloaded: false }))
}
