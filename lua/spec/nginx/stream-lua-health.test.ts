/** What the Lua of layer 4 knows of endpoints that fail, and tells of them. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { withDigest } from './backends.ts'
import { freePort, until, type DataPlane, type Json } from './harness.ts'
import { answers, peer, type Peer } from './peers.ts'
import { BACKEND, serveStreams, streamRecords, withStreamLua } from './stream-lua-plane.ts'
import { Client, tcpPeer } from './tcp.ts'

const CHECK = { path: '/healthz', interval: 1, timeout: 10, healthy: 1, unhealthy: 1 }
const EJECTION = { failures: 2, time: 600, max_time: 600, max_percent: 50, server_errors: false }

interface Health {
  readonly unhealthy: readonly { readonly port: number }[]
  readonly stream?: {
    readonly ejected: readonly { readonly backend: string; readonly port: number; readonly reason: string }[]
    readonly counts: Readonly<Record<string, number>>
  }
}

async function health(plane: DataPlane): Promise<Health> {
  return JSON.parse((await plane.call('GET', '/v1/health')).text) as Health
}

/** Answers over HTTP; the checks get a status of their own. */
async function checked(t: TestContext, name: string, status = '200 OK'): Promise<Peer> {
  return peer(t, (socket, request) => {
    if (request.startsWith('GET /healthz')) answers('', status)(socket, request)
    else answers(name)(socket, request)
  })
}

/** Who answers through the port of layer 4. */
async function answeredBy(t: TestContext, port: number): Promise<string> {
  const client = new Client(t, port)
  client.socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
  const [, name = ''] = /(\w+);$/.exec(await client.hear(';')) ?? []
  client.socket.destroy()
  return name
}

withStreamLua('stream-lua health', (variant) => {
  test('an endpoint that fails its checks gets no connections until it passes them', async (t) => {
    const served = await serveStreams(t, variant)
    const [sick, well] = [await checked(t, 'sick;', '500 Internal Server Error'), await checked(t, 'well;')]
    const endpoints = [sick, well].map(({ port }) => ['127.0.0.1', port])
    const checkedBackend = withDigest({ endpoints, health_check: CHECK }) as Json
    await served.plane.put({ ...streamRecords(served, []), [BACKEND]: checkedBackend })
    await until('it is unhealthy', async () => (await health(served.plane)).unhealthy.length === 1)
    for (let i = 0; i < 10; i += 1) assert.equal(await answeredBy(t, served.tcp), 'well')
    sick.behave = (socket, request) => answers('sick;')(socket, request)
    await until('it is back', async () => (await answeredBy(t, served.tcp)) === 'sick')
    assert.deepEqual(served.plane.errors(), [])
  })

  test('what is ejected at layer 4 is told with its reason, and what was counted', async (t) => {
    const served = await serveStreams(t, variant)
    const { plane, tcp } = served
    const good = await tcpPeer(t, 'good')
    const dead = await freePort()
    await plane.put({ 'setting/global': withDigest({ ejection: EJECTION }), ...streamRecords(served, [dead, good.port]) })
    assert.deepEqual((await health(plane)).stream?.ejected, [])
    const { stream } = await until('it is ejected', async () => {
      const client = new Client(t, tcp)
      await client.hear('good\n')
      client.socket.destroy()
      const now = await health(plane)
      return (now.stream?.ejected.length ?? 0) > 0 ? now : undefined
    })
    const [entry] = stream?.ejected ?? []
    assert.deepEqual([entry?.backend, entry?.port, entry?.reason], [BACKEND, dead, 'error'])
    assert.equal(stream?.counts['ejections'], 1)
    assert.ok((stream?.counts['retries'] ?? 0) >= 2)
    assert.equal(statSync(join(plane.folder, 'stream.sock')).mode & 0o777, 0o660)
  })
})
