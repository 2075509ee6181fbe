/** Layer 4 in Lua and whatever comes: any record, any name, many of them. No worker ends, and nothing is kept. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Json as Value } from '../../../sidecar/ir/types.ts'
import { arbitraryOf, byStart, damaged } from '../../../sidecar/testing/arbitrary.ts'
import { STREAM_SCHEMAS } from '../../../sidecar/testing/contract.ts'
import { fc } from '../../../sidecar/testing/property.ts'
import { clientHello } from './client-hello.ts'
import { freePort, type DataPlane, type Json } from './harness.ts'
import { BACKEND, loopback, patch, serveStreams, streamRecords, withStreamLua } from './stream-lua-plane.ts'
import { Client, tcpPeer } from './tcp.ts'

const RUNS = 300
/** What a worker's Lua may take more after twice as much of the same, in KiB. */
const SLACK = 300

const PATTERNS = byStart(STREAM_SCHEMAS, {
  '^backend/': fc.constant(BACKEND),
  '^[0-9a-f.:]+$': fc.constant('127.0.0.1'),
  '^[a-z][a-z0-9_]*$': fc.constantFrom('remote_addr', 'binary_remote_addr', 'server_port', 'uri'),
})

type Members = Readonly<Record<string, Value>>

/** The kilobytes of the only worker's Lua, to a connection. */
const memoryServer = (port: number): string => `server {
    listen 127.0.0.1:${port};
    content_by_lua_block { collectgarbage() collectgarbage() ngx.say(collectgarbage("count")) }
  }`

const nameServer = (port: number): string => `server {
    listen 127.0.0.1:${port};
    ssl_preread on;
    preread_by_lua_block { return resty_ingress_stream.passthrough() }
    proxy_pass stream_balancer;
  }`

function luaTroubles(plane: DataPlane): readonly string[] {
  return plane.errors().filter((line) => /lua|\[(crit|alert|emerg)\]/.test(line))
}

async function pids(plane: DataPlane): Promise<readonly number[]> {
  return (await plane.status()).workers.map(({ pid }) => pid).sort()
}

/** What a connection hears until it is greeted or closed. */
async function hears(t: TestContext, port: number, bytes: Uint8Array = new Uint8Array()): Promise<string> {
  const client = new Client(t, port)
  if (bytes.length > 0) client.socket.write(bytes)
  const heard = await Promise.race([client.hear('\n').catch(() => ''), client.end()])
  client.socket.destroy()
  return heard
}

async function kilobytes(t: TestContext, port: number): Promise<number> {
  return Number(await new Client(t, port).end())
}

function usable(record: Value, port: number): Value {
  if (record === null || typeof record !== 'object' || !('endpoints' in record)) return record
  const { endpoints } = record as { readonly endpoints: Value }
  if (!Array.isArray(endpoints)) return record
  const onPort = endpoints.map((one: Value) => (Array.isArray(one) ? ['127.0.0.1', port, ...one.slice(2)] : one))
  return { ...record, endpoints: onPort as Value }
}

withStreamLua('stream-lua fuzz', (variant) => {
  test('records by the contract, and damaged ones', async (t) => {
    const served = await serveStreams(t, variant)
    const { plane, tcp } = served
    const peer = await tcpPeer(t, 'peer')
    const ordinary = streamRecords(served, [peer.port], { algorithm: 'least_request' }) as Members
    const keys = { stream: `stream/tcp/${tcp}`, backend: BACKEND, setting: 'setting/global' }
    const one = ([kind, schema]: readonly [string, (typeof STREAM_SCHEMAS)['stream']]): fc.Arbitrary<Members> => {
      const key = keys[kind as keyof typeof keys]
      const right = arbitraryOf(schema, PATTERNS).map((record) => usable(record, peer.port))
      const plain = ordinary[key]
      const any = plain === undefined
        ? fc.oneof(right, right.chain(damaged))
        : fc.oneof(right, right.chain(damaged), fc.constant(plain), damaged(plain))
      return any.map((record) => ({ [key]: record }))
    }
    const sets = fc.tuple(...Object.entries(STREAM_SCHEMAS).map(one))
      .map((list) => Object.assign({}, ...list) as Members)
    const before = await pids(plane)
    const seen = { taken: 0, greeted: 0 }
    await fc.assert(fc.asyncProperty(sets, async (set) => {
      const { status, body } = await plane.call('PUT', '/v1/records', { set } as Json)
      assert.ok(status < 500)
      seen.taken += Object.keys(set).length - Object.keys(body.rejected ?? {}).length
      if (await hears(t, tcp) === 'peer\n') seen.greeted += 1
      assert.deepEqual(luaTroubles(plane), [])
    }), { numRuns: RUNS })
    assert.ok(seen.taken >= RUNS / 3 && seen.greeted >= RUNS / 10, JSON.stringify(seen))
    assert.deepEqual(await pids(plane), before)
  })

  test('names of any bytes: those without a record are closed, and nothing of them is kept', async (t) => {
    const [names, memory] = [await freePort(), await freePort()]
    const served = await serveStreams(t, variant, { workers: 1, servers: nameServer(names) + memoryServer(memory) })
    const { plane } = served
    const peer = await tcpPeer(t, 'peer')
    const record = { digest: 'one', backend: BACKEND }
    await plane.put({ ...streamRecords(served, [peer.port]), 'passthrough/*.a.example': record })
    // Which may say the hello again.
    assert.match(await hears(t, names, clientHello(Buffer.from('x.a.example'))), /^peer\n/)
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('_', '*', '*.a.example', '.', 'a.', '..a.example')
      .map((text) => Buffer.from(text)))
    const some = async (numRuns: number): Promise<number> => {
      await fc.assert(fc.asyncProperty(bytes, async (name) => {
        assert.equal(await hears(t, names, clientHello(Buffer.from(name))), '')
      }), { numRuns })
      return kilobytes(t, memory)
    }
    const after = await some(RUNS)
    assert.ok(await some(2 * RUNS) < after + SLACK)
    assert.deepEqual(luaTroubles(plane), [])
  })

  test('endpoints, ways to choose and connections that come and go leave nothing behind', async (t) => {
    const memory = await freePort()
    const served = await serveStreams(t, variant, { workers: 1, servers: memoryServer(memory) })
    const { plane, tcp } = served
    const peer = await tcpPeer(t, 'peer')
    const key = [{ var: 'remote_addr' }]
    let count = 0
    const some = async (times: number): Promise<number> => {
      for (let i = 0; i < times; i += 1) {
        count += 1
        await plane.put(streamRecords(served, [peer.port, 20_000 + count], { algorithm: 'maglev', key, slow_start: count }))
        await patch(served, { [BACKEND]: loopback(peer.port) })
        assert.equal(await hears(t, tcp), 'peer\n')
      }
      return kilobytes(t, memory)
    }
    const after = await some(30)
    assert.ok(await some(60) < after + SLACK)
    assert.deepEqual(luaTroubles(plane), [])
  })
})
