/** Backends of different owners that have endpoints in common, as anybody may write an EndpointSlice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints, host, route, withDigest } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve, until, type DataPlane } from './harness.ts'
import { answers, keepsSilent, peer, type Behaviour } from './peers.ts'

const ejection = { failures: 2, time: 600, max_time: 600, max_percent: 100, server_errors: false }

const silentOnSlow: Behaviour = (socket, request) => {
  if (!request.startsWith('GET /slow')) answers()(socket, request)
}

async function ejected(plane: DataPlane): Promise<readonly unknown[]> {
  return (JSON.parse((await plane.call('GET', '/v1/health')).text) as { ejected: unknown[] }).ejected
}

everySetup('tenants', (setup) => {
  test('failures that the routes of one bring about eject nothing for the other', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = [await peer(t, silentOnSlow), await peer(t, answers()), await peer(t, answers())]
    const shared = endpoints(...peers.map(({ port }) => ['127.0.0.1', port] as const))
    await plane.put({
      'setting/global': withDigest({ ejection }),
      'backend/test/web/80': shared,
      'backend/evil/web/80': shared,
      'host/default/a.example': host([route()]),
      'host/default/b.example': host([route({
        backends: [{ backend: 'backend/evil/web/80', weight: 1 }], policies: { timeouts: { read: 1 } },
      })]),
    })
    await until('one is ejected', async () => {
      await Promise.all(Array.from({ length: 8 }, () => ask(http, { host: 'b.example', path: '/slow' })))
      return (await ejected(plane)).length > 0
    })
    const before = peers.map(({ requests }) => requests)
    for (let i = 0; i < 20; i += 1) assert.equal((await ask(http)).status, 200)
    peers.forEach(({ requests }, i) => assert.ok(requests >= (before[i] ?? 0) + 5))
  })

  test('checks that take long hold up no checks of the other', async (t) => {
    const { plane } = await serve(t, setup)
    const silent = await peer(t, keepsSilent)
    const checked = await peer(t, answers())
    const check = { path: '/', interval: 1, timeout: 60, healthy: 1, unhealthy: 1 }
    const list = Array.from({ length: 500 }, (_, i) => ['127.0.0.1', 1 + i])
    const many = withDigest({ endpoints: list, health_check: { ...check, port: silent.port } })
    const few = withDigest({ endpoints: [['127.0.0.1', checked.port]], health_check: check })
    await plane.put({ 'backend/evil/web/80': many })
    await until('as many run as may', () => silent.connections >= 8)
    await plane.put({ 'backend/evil/web/80': many, 'backend/test/web/80': few })
    await until('the other is checked twice', () => checked.requests >= 2)
    assert.equal(silent.connections, 8)
  })
})
