/** Layer 4 in Lua over time: endpoints that move under load, reloads, workers and masters that are killed. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { freePort, start, until, type DataPlane, type Variant } from './harness.ts'
import { BACKEND, loopback, patch, serveStreams, streamBlock, streamRecords, withStreamLua, type StreamServed } from './stream-lua-plane.ts'
import { Client, tcpPeer, type TcpPeer } from './tcp.ts'

const PEERS = 6
const CLIENTS = 8
const MOVES = 60

async function pids({ plane }: StreamServed): Promise<readonly number[]> {
  return (await plane.status()).workers.map(({ pid }) => pid).sort()
}

async function greeted(t: TestContext, port: number): Promise<string> {
  const client = new Client(t, port)
  const text = await client.hear('\n')
  client.socket.destroy()
  return text.trim()
}

interface Load {
  readonly heard: readonly string[]
  /** Ends when each client has finished its connection. */
  stop(): Promise<void>
}

/** Clients that connect, are greeted and are heard, one connection after another. */
function load(t: TestContext, port: number): Load {
  const heard: string[] = []
  let going = true
  const one = async (): Promise<void> => {
    while (going) {
      const client = new Client(t, port)
      heard.push((await client.hear('\n')).trim())
      client.socket.write('ping\n')
      await client.hear('ping\n')
      client.socket.destroy()
    }
  }
  const clients = Array.from({ length: CLIENTS }, one)
  return {
    heard,
    stop: async () => {
      going = false
      await Promise.all(clients)
    },
  }
}

async function planeWithPeers(t: TestContext, variant: Variant): Promise<StreamServed & { peers: readonly TcpPeer[] }> {
  const served = await serveStreams(t, variant)
  const peers = await Promise.all(Array.from({ length: PEERS }, (_, i) => tcpPeer(t, `peer ${i}`)))
  await served.plane.put(streamRecords(served, peers.map(({ port }) => port)))
  return { ...served, peers }
}

async function lasting(t: TestContext, port: number): Promise<Client> {
  const client = new Client(t, port)
  await client.hear('\n')
  return client
}

async function answers(client: Client, text: string): Promise<void> {
  client.socket.write(text)
  await client.hear(text)
}

async function again(t: TestContext, variant: Variant, plane: DataPlane): Promise<DataPlane> {
  await plane.stop('SIGKILL')
  const next = await start(variant, { folder: plane.folder })
  t.after(() => next.stop())
  return next
}

withStreamLua('stream-lua over time', (variant) => {
  test('endpoints that move under load: no connection fails, none goes where it should not, nothing is reloaded', async (t) => {
    const served = await planeWithPeers(t, variant)
    const [before, workers] = [await served.plane.status(), await pids(served)]
    const old = await lasting(t, served.tcp)
    const traffic = load(t, served.tcp)
    // Pushes may be much quicker than connections, of which all can be with a worker that stands still.
    for (let move = 0; move < MOVES || traffic.heard.length <= MOVES; move += 1) {
      const chosen = served.peers.filter((_, i) => (move + i) % 3 !== 0)
      await patch(served, { [BACKEND]: loopback(...chosen.map(({ port }) => port)) })
      if (move % 10 === 0) {
        const name = await greeted(t, served.tcp)
        assert.ok(chosen.some((peer) => peer.name === name), `${name} after its push`)
      }
    }
    await traffic.stop()
    await answers(old, 'still here')
    assert.equal(new Set(traffic.heard).size, PEERS)
    assert.equal((await served.plane.status()).generation, before.generation)
    assert.deepEqual(await pids(served), workers)
    assert.deepEqual(served.plane.errors(), [])
  })

  test('reloads under load: connections go on, new ones are served, endpoints stay data', async (t) => {
    const served = await planeWithPeers(t, variant)
    const old = await lasting(t, served.tcp)
    const traffic = load(t, served.tcp)
    for (let i = 0; i < 4; i += 1) {
      const answer = await served.plane.configure({ ...served.fixture, salt: `reload ${i}` })
      assert.equal(answer.body.reloaded, true)
      await answers(old, `after reload ${i}`)
    }
    const only = served.peers[2] ?? assert.fail()
    await patch(served, { [BACKEND]: loopback(only.port) })
    assert.equal(await greeted(t, served.tcp), only.name)
    await traffic.stop()
    await answers(old, 'at last')
    assert.deepEqual(served.plane.errors(), [])
  })

  test('a port that comes with a reload serves the records that were there before it', async (t) => {
    const served = await planeWithPeers(t, variant)
    const [tcp, udp] = [await freePort(), await freePort()]
    await patch(served, { [`stream/tcp/${tcp}`]: { digest: 'new', backend: BACKEND } })
    const answer = await served.plane.configure({ ...served.fixture, stream: streamBlock(tcp, udp) })
    assert.equal(answer.status, 200, answer.text)
    assert.match(await greeted(t, tcp), /^peer/)
  })

  test('a worker that is killed: the next one knows everything, and the others go on', async (t) => {
    const served = await planeWithPeers(t, variant)
    const only = served.peers[1] ?? assert.fail()
    await patch(served, { [BACKEND]: loopback(only.port) })
    const [victim = 0, ...others] = await pids(served)
    process.kill(victim, 'SIGKILL')
    await until('another worker', async () => {
      const now = await pids(served).catch((): readonly number[] => [])
      return now.length === others.length + 1 && !now.includes(victim)
    })
    for (let i = 0; i < 10; i += 1) assert.equal(await greeted(t, served.tcp), only.name)
  })

  test('a configuration that is refused when its Lua has been loaded leaves nothing behind', async (t) => {
    const served = await planeWithPeers(t, variant)
    const taken = await tcpPeer(t, 'somebody else')
    const stream = streamBlock(taken.port, served.udp)
    assert.equal((await served.plane.configure({ ...served.fixture, stream })).status, 422)
    const only = served.peers[4] ?? assert.fail()
    for (const victim of await pids(served)) {
      process.kill(victim, 'SIGKILL')
      await until('another worker', async () => {
        const now = await pids(served).catch((): readonly number[] => [])
        return now.length === 2 && !now.includes(victim)
      })
    }
    await patch(served, { [BACKEND]: loopback(only.port) })
    for (let i = 0; i < 10; i += 1) assert.equal(await greeted(t, served.tcp), only.name)
  })

  test('killed and started alone it serves the last records', async (t) => {
    const served = await planeWithPeers(t, variant)
    const only = served.peers[3] ?? assert.fail()
    await patch(served, { [BACKEND]: loopback(only.port) })
    const next = await again(t, variant, served.plane)
    assert.equal(await greeted(t, served.tcp), only.name)
    assert.equal((await next.status()).restored?.records, 3)
  })

  test('a record that is refused keeps what was there, is named, and is not in the way of others', async (t) => {
    const served = await planeWithPeers(t, variant)
    const { plane, tcp, udp } = served
    const bad = [
      { backend: 'nonsense' }, { backend: BACKEND, load_balance: { algorithm: 'none' } }, { backend: BACKEND, more: 1 },
      { backend: BACKEND, load_balance: { algorithm: 'maglev', key: [{ var: 'uri' }] } },
      { backend: BACKEND, load_balance: { algorithm: 'maglev', key: [{ capture: 1 }] } },
    ]
    for (const record of bad) {
      const { body: { revision: base } } = await plane.call('GET', '/v1/records')
      const set = { [`stream/tcp/${tcp}`]: { digest: 'bad', ...record }, [`stream/udp/${udp}`]: { digest: `${base}`, backend: BACKEND } }
      const { status, body } = await plane.call('PATCH', '/v1/records', { base, set })
      assert.equal(status, 200)
      assert.deepEqual(Object.keys(body.rejected), [`stream/tcp/${tcp}`], JSON.stringify(record))
      assert.match(await greeted(t, tcp), /^peer/)
    }
    for (const key of ['stream/sctp/1', 'stream/tcp/0', 'stream/tcp/65536', 'stream/tcp/x', 'passthrough/_', 'passthrough/A.example']) {
      const { body } = await plane.call('PUT', '/v1/records', { set: { [key]: { digest: 'x', backend: BACKEND } } })
      assert.deepEqual(Object.keys(body.rejected), [key])
    }
    assert.deepEqual(plane.errors(), [])
  })
})
