/** Layer 4 in Lua: connections and datagrams follow the records, without a reload. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, tcpPeer } from './layer4.ts'
import { BACKEND, patch, serveStreams, streamRecords, withStreamLua } from './stream-lua-plane.ts'
import { endpoints } from './backends.ts'

withStreamLua('stream-lua', (variant) => {
  test('a connection reaches an endpoint, and the next one the endpoints of the last push', async (t) => {
    const served = await serveStreams(t, variant)
    const one = await tcpPeer(t, 'one')
    const two = await tcpPeer(t, 'two')
    await served.plane.put(streamRecords(served, [one.port]))
    const before = await served.plane.status()
    const first = new Client(t, served.tcp)
    await first.hear('one\n')

    await patch(served, { [BACKEND]: endpoints(['127.0.0.1', two.port]) })
    const second = new Client(t, served.tcp)
    await second.hear('two\n')
    first.socket.write('still here')
    await first.hear('still here')

    const after = await served.plane.status()
    assert.equal(after.generation, before.generation)
    assert.deepEqual(after.workers.map(({ pid }) => pid), before.workers.map(({ pid }) => pid))
    assert.deepEqual(served.plane.errors(), [])
  })
})
