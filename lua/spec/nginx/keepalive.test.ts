/** Connections to backends that are kept: used again, shared, and not used once their endpoint is gone. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, freePort, serve, until, type Json } from './harness.ts'
import { answers, peer, type Peer } from './peers.ts'

function records(peers: readonly { readonly port: number }[], services: readonly string[] = ['web']): Json {
  const list = endpoints(...peers.map(({ port }) => ['127.0.0.1', port] as const))
  return Object.fromEntries(services.flatMap((name) => [
    [`backend/test/${name}/80`, list],
    [`host/default/${name}.example`, host([route({ backend: name })])],
  ]))
}

function openConnections({ server }: Peer): Set<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  return open
}

everySetup('kept connections', (setup) => {
  test('one connection for each peer and worker, whatever the route and the Service', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = [await peer(t, answers()), await peer(t, answers())]
    await plane.put(records(peers, ['web', 'other']))
    for (let i = 0; i < 40; i += 1) {
      assert.equal((await ask(http, { host: i % 2 === 0 ? 'web.example' : 'other.example' })).status, 200)
    }
    for (const { connections, requests } of peers) {
      assert.ok(requests >= 10)
      assert.ok(connections >= 1 && connections <= setup.workers, `${connections} connections`)
    }
  })

  test('a connection to an endpoint that is gone carries no request, and ends when it has idled', async (t) => {
    const { plane, http } = await serve(t, setup, { upstreamIdleSeconds: 1 })
    const [gone, stays] = [await peer(t, answers()), await peer(t, answers())]
    const open = openConnections(gone)
    await plane.put(records([gone, stays]))
    for (let i = 0; i < 20; i += 1) assert.equal((await ask(http, { host: 'web.example' })).status, 200)
    assert.ok(gone.connections >= 1)
    await plane.put(records([stays]))
    const before = gone.requests
    for (let i = 0; i < 20; i += 1) assert.equal((await ask(http, { host: 'web.example' })).status, 200)
    assert.equal(gone.requests, before)
    await until('the connections are closed', () => open.size === 0)
  })

  test('another process with the address of a gone one: no request is lost, none goes to the old one', async (t) => {
    const { plane, http } = await serve(t, setup)
    const port = await freePort()
    const first = createServer({ keepAliveTimeout: 0 }, (_, response) => { response.end('first') }).listen(port, '127.0.0.1')
    await once(first, 'listening')
    await plane.put(records([{ port }]))
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(http, { host: 'web.example' })).text, 'first')
    await plane.put({})
    first.close()
    first.closeAllConnections()
    await once(first, 'close')
    const second = createServer({ keepAliveTimeout: 0 }, (_, response) => { response.end('second') }).listen(port, '127.0.0.1')
    await once(second, 'listening')
    t.after(() => {
      second.close()
      second.closeAllConnections()
    })
    await plane.put(records([{ port }], ['other']))
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(http, { host: 'other.example' })).text, 'second')
  })
})
