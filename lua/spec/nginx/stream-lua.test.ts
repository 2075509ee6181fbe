/** Layer 4 in Lua: connections and datagrams go where the records say. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { withDigest } from './backends.ts'
import { freePort, until, type Json } from './harness.ts'
import { BACKEND, loopback, patch, serveStreams, streamRecords, withStreamLua, type StreamServed } from './stream-lua-plane.ts'
import { Client, tcpPeer, type TcpPeer } from './tcp.ts'
import { UdpClient, udpPeer } from './udp.ts'

async function peers(t: TestContext, ...names: readonly string[]): Promise<TcpPeer[]> {
  return Promise.all(names.map((name) => tcpPeer(t, name)))
}

const portsOf = (list: readonly TcpPeer[]): number[] => list.map(({ port }) => port)

async function openConnections({ server }: TcpPeer): Promise<number> {
  return promisify(server.getConnections.bind(server))()
}

/** Which peer a connection gets, by its greeting. */
async function greeted(t: TestContext, port: number, localAddress?: string): Promise<string> {
  const client = new Client(t, port, localAddress)
  const text = await client.hear('\n')
  client.socket.destroy()
  return text.trim()
}

async function greetedTimes(t: TestContext, { tcp }: StreamServed, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < count; i += 1) {
    const name = await greeted(t, tcp)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

withStreamLua('stream-lua', (variant) => {
  test('a connection reaches an endpoint, and the next one those of the last push, without a reload', async (t) => {
    const served = await serveStreams(t, variant)
    const [one, two] = await peers(t, 'one', 'two') as [TcpPeer, TcpPeer]
    await served.plane.put(streamRecords(served, [one.port]))
    const before = await served.plane.status()
    const first = new Client(t, served.tcp)
    await first.hear('one\n')

    await patch(served, { [BACKEND]: loopback(two.port) })
    assert.equal(await greeted(t, served.tcp), 'two')
    first.socket.write('still here')
    await first.hear('still here')

    const after = await served.plane.status()
    assert.equal(after.generation, before.generation)
    assert.deepEqual(after.workers.map(({ pid }) => pid), before.workers.map(({ pid }) => pid))
    assert.deepEqual(served.plane.errors(), [])
  })

  test('connections take turns, with those of one worker exactly', async (t) => {
    const served = await serveStreams(t, variant, { workers: 1 })
    await served.plane.put(streamRecords(served, portsOf(await peers(t, 'a', 'b', 'c'))))
    assert.deepEqual(await greetedTimes(t, served, 9), { a: 3, b: 3, c: 3 })
  })

  test('without a record, a backend or an endpoint the connection is closed at once', async (t) => {
    const served = await serveStreams(t, variant)
    const [peer] = await peers(t, 'one') as [TcpPeer]
    const records = streamRecords(served, [peer.port])
    const steps: readonly [string, Json, readonly string[]][] = [
      ['nothing was pushed yet', {}, []],
      ['no record', records, [`stream/tcp/${served.tcp}`]],
      ['no backend', records, [BACKEND]],
      ['no endpoint', { ...records, [BACKEND]: loopback() }, []],
    ]
    for (const [what, set, keys] of steps) {
      await patch(served, set, keys)
      assert.equal(await new Client(t, served.tcp).end(), '', what)
      await patch(served, records)
      assert.equal(await greeted(t, served.tcp), 'one', `after ${what}`)
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('an endpoint that refuses: another is tried, it is ejected, and comes back', async (t) => {
    const served = await serveStreams(t, variant, { workers: 1 })
    const [good] = await peers(t, 'good') as [TcpPeer]
    const dead = await freePort()
    const ejection = { failures: 2, time: 1, max_time: 1, max_percent: 50, server_errors: false }
    await served.plane.put({
      'setting/global': withDigest({ ejection }), ...streamRecords(served, [dead, good.port]),
    })
    assert.deepEqual(await greetedTimes(t, served, 10), { good: 10 })
    const [before = '', ejected] = served.plane.log.split(/endpoint backend\/prod\/echo\/80 127\.0\.0\.1 \d+ is ejected for 1 s: error/)
    assert.ok(ejected !== undefined)
    assert.equal(before.match(/\[error\].*connect\(\) failed/g)?.length, 2)

    const back = await tcpPeer(t, 'back', dead)
    await until('the endpoint is back', async () => {
      await greeted(t, served.tcp)
      return back.connections > 0
    })
    await until('it takes its turns again', async () => (await greetedTimes(t, served, 4))['back'] === 2)
  })

  test('an endpoint is back as soon as a connection lasts, not when it ends', async (t) => {
    const served = await serveStreams(t, variant, { workers: 1 })
    const [good] = await peers(t, 'good') as [TcpPeer]
    const dead = await freePort()
    const ejection = { failures: 1, time: 1, max_time: 1, max_percent: 50, server_errors: false }
    await served.plane.put({
      'setting/global': withDigest({ ejection }), ...streamRecords(served, [dead, good.port]),
    })
    await until('it is ejected', async () => {
      await greeted(t, served.tcp)
      return served.plane.log.includes('is ejected')
    })
    const back = await tcpPeer(t, 'back', dead)
    await until('connections that last are shared', async () => {
      const client = new Client(t, served.tcp)
      if (await client.hear('\n') === 'good\n') client.socket.destroy()
      return back.connections > 2
    })
    assert.match(served.plane.log, /endpoint backend\/prod\/echo\/80 127\.0\.0\.1 \d+ is back/)
  })

  test('as many endpoints are tried as the configuration says', async (t) => {
    for (const [tries, greetings] of [[1, ['', 'good\n']], [2, ['good\n', 'good\n']], [0, ['good\n', 'good\n']]] as const) {
      const served = await serveStreams(t, variant, { workers: 1, tries })
      const [good] = await peers(t, 'good') as [TcpPeer]
      const ejection = { failures: 0, time: 1, max_time: 1, max_percent: 50, server_errors: false }
      await served.plane.put({
        'setting/global': withDigest({ ejection }), ...streamRecords(served, [await freePort(), good.port]),
      })
      const heard = []
      for (let i = 0; i < 2; i += 1) {
        const client = new Client(t, served.tcp)
        heard.push(await Promise.race([client.hear('\n').catch(() => ''), client.end()]))
      }
      assert.deepEqual(heard.sort(), greetings, `${tries} tries`)
    }
  })

  test('a hash by the source address keeps a client with its endpoint', async (t) => {
    const served = await serveStreams(t, variant)
    const list = await peers(t, 'a', 'b', 'c', 'd')
    for (const algorithm of ['ring_hash', 'maglev']) {
      const key = [{ var: 'remote_addr' }]
      await served.plane.put(streamRecords(served, portsOf(list), { algorithm, key }))
      // One after another: of many at a time some go elsewhere.
      const round = async (): Promise<string[]> => {
        const names = []
        for (let i = 1; i <= 12; i += 1) names.push(await greeted(t, served.tcp, `127.0.1.${i}`))
        return names
      }
      const first = await round()
      assert.ok(new Set(first).size > 1, algorithm)
      for (let i = 0; i < 3; i += 1) assert.deepEqual(await round(), first)
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('connections count as long as they last, for the algorithms that look at what is in flight', async (t) => {
    const served = await serveStreams(t, variant, { workers: 1 })
    const list = await peers(t, 'a', 'b')
    const [a] = list as [TcpPeer]
    const algorithm = { load_balance: { algorithm: 'least_request' } }
    const lasting = async (count: number): Promise<Client[]> => {
      const clients = []
      for (let i = 0; i < count; i += 1) {
        const client = new Client(t, served.tcp)
        await client.hear('\n')
        clients.push(client)
      }
      return clients
    }
    const withA = (clients: readonly Client[]): Client[] => clients.filter(({ heard }) => heard === 'a\n')
    // Of the record, and of all.
    for (const set of [
      streamRecords(served, portsOf(list), algorithm.load_balance),
      { 'setting/global': withDigest(algorithm), ...streamRecords(served, portsOf(list)) },
    ]) {
      await served.plane.put(set)
      const first = await lasting(10)
      assert.equal(withA(first).length, 5)
      for (const client of withA(first)) client.socket.destroy()
      await until('their connections have ended', async () => (await openConnections(a)) === 0)
      const second = await lasting(5)
      assert.equal(withA(second).length, 5)
      for (const client of [...first, ...second]) client.socket.destroy()
      await until('all have ended', async () => (await Promise.all(list.map(openConnections))).every((open) => open === 0))
    }
  })

  test('draining endpoints and those of other zones are taken when no other is left', async (t) => {
    const served = await serveStreams(t, variant)
    const [near, far, draining] = await peers(t, 'near', 'far', 'draining') as [TcpPeer, TcpPeer, TcpPeer]
    const one = (peer: TcpPeer, attributes?: Json): unknown[] => ['127.0.0.1', peer.port, ...(attributes ? [attributes] : [])]
    const lists = [
      ['near', [one(near), one(far, { priority: 1 }), one(draining, { draining: true })]],
      ['far', [one(far, { priority: 1 }), one(draining, { draining: true })]],
      ['draining', [one(draining, { draining: true })]],
    ] as const
    for (const [name, list] of lists) {
      await served.plane.put({ ...streamRecords(served, []), [BACKEND]: withDigest({ endpoints: list }) })
      assert.deepEqual(await greetedTimes(t, served, 4), { [name]: 4 })
    }
  })

  test('datagrams of a client stay with one endpoint, whatever is pushed; those of others go to the new ones', async (t) => {
    const served = await serveStreams(t, variant)
    const [one, two] = [await udpPeer(t, 'one'), await udpPeer(t, 'two')]
    await served.plane.put(streamRecords(served, [one]))
    const first = await UdpClient.open(t, served.udp)
    assert.equal(await first.ask(), 'one')
    await patch(served, { [BACKEND]: loopback(two) })
    const second = await UdpClient.open(t, served.udp)
    assert.equal(await second.ask(), 'two')
    assert.equal(await first.ask(), 'one')
    assert.equal(await second.ask(), 'two')
    assert.deepEqual(served.plane.errors(), [])
  })

  test('a port of our own, at an address that is also of others, leads nowhere', async (t) => {
    const env = { RESTY_INGRESS_POD_IPS: '127.0.0.1', RESTY_INGRESS_POD_PORTS: '1' }
    const served = await serveStreams(t, variant, { env })
    const [peer] = await peers(t, 'one') as [TcpPeer]
    await served.plane.put(streamRecords(served, [served.tcp]))
    assert.equal(await new Client(t, served.tcp).end(), '')
    assert.equal(served.plane.errors().filter((line) => line.includes('is a port of ours')).length, 1)
    await patch(served, { [BACKEND]: loopback(peer.port) })
    assert.equal(await greeted(t, served.tcp), 'one')
  })

  test('an address that is no destination is refused with its record, and the rest is served', async (t) => {
    const served = await serveStreams(t, variant, { env: { RESTY_INGRESS_ALLOW_LOOPBACK: '0' } })
    const set = streamRecords(served, [await freePort()])
    const { body } = await served.plane.call('PUT', '/v1/records', { set })
    assert.deepEqual(Object.keys(body.rejected), [BACKEND])
    assert.match(body.rejected[BACKEND] ?? '', /is a loopback address/)
    assert.equal(await new Client(t, served.tcp).end(), '')
  })
})
