/** TCP from a ConfigMap to a client, with configurations as they are really rendered. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { freePort, variants } from './harness.ts'
import { configMap, layer4, service } from './layer4.ts'
import { Client, tcpPeer } from './tcp.ts'

/** The name that a new connection is greeted with; empty: it was closed. */
async function greeting(t: TestContext, port: number): Promise<string> {
  const client = new Client(t, port)
  const heard = await client.hear('\n').catch(() => '')
  client.socket.destroy()
  return heard.trim()
}

for (const variant of variants()) {
  describe(`TCP, ${variant}`, () => {
    test('a port of the ConfigMap leads to the endpoints of the Service, by number and by name', async (t) => {
      const nginx = await layer4(t, variant)
      const ports = [await freePort(), await freePort()] as const
      const peer = await tcpPeer(t, 'one')
      const data = { [ports[0]]: 'prod/echo:80', [ports[1]]: 'prod/echo:main' }
      const { findings } = await nginx.apply([configMap('tcp', data), ...service('echo', [peer.port])])
      assert.deepEqual(findings, [])
      for (const port of ports) {
        const client = new Client(t, port)
        await client.hear('one\n')
        client.socket.write('hello')
        await client.hear('hello')
      }
    })

    test('connections go to all endpoints, and not to one that drains or is gone', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const [one, two, three] = [await tcpPeer(t, 'one'), await tcpPeer(t, 'two'), await tcpPeer(t, 'three')]
      const map = configMap('tcp', { [port]: 'prod/echo:80' })
      await nginx.apply([map, ...service('echo', [one.port, two.port], { draining: [three.port] })])
      const seen = new Set<string>()
      for (let i = 0; i < 20; i += 1) seen.add(await greeting(t, port))
      assert.deepEqual([...seen].sort(), ['one', 'two'])
      await nginx.apply([map, ...service('echo', [two.port])])
      for (let i = 0; i < 6; i += 1) assert.equal(await greeting(t, port), 'two')
    })

    test('an endpoint that cannot be connected to is passed over', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const map = configMap('tcp', { [port]: 'prod/echo:80' })
      await nginx.apply([map, ...service('echo', [await freePort(), peer.port])])
      for (let i = 0; i < 10; i += 1) assert.equal(await greeting(t, port), 'one')
    })

    test('a change of endpoints is a reload only where there is no stream-lua', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const [one, two] = [await tcpPeer(t, 'one'), await tcpPeer(t, 'two')]
      const map = configMap('tcp', { [port]: 'prod/echo:80' })
      await nginx.apply([map, ...service('echo', [one.port])])
      const { reloaded } = await nginx.apply([map, ...service('echo', [two.port])])
      assert.equal(reloaded, !nginx.capabilities.stream_lua)
      assert.equal(await greeting(t, port), 'two')
    })

    test('a connection outlives its endpoint in the ConfigMap, and reloads', async (t) => {
      const nginx = await layer4(t, variant)
      const ports = [await freePort(), await freePort()] as const
      const [one, two] = [await tcpPeer(t, 'one'), await tcpPeer(t, 'two')]
      await nginx.apply([configMap('tcp', { [ports[0]]: 'prod/echo:80' }), ...service('echo', [one.port])])
      const client = new Client(t, ports[0])
      await client.hear('one\n')
      const more = configMap('tcp', { [ports[0]]: 'prod/echo:80', [ports[1]]: 'prod/echo:80' })
      const { reloaded } = await nginx.apply([more, ...service('echo', [two.port])])
      assert.equal(reloaded, true)
      assert.equal(await greeting(t, ports[0]), 'two')
      client.socket.write('still here')
      await client.hear('still here')
    })

    test('without an endpoint a connection is closed at once, and with the first one served', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const map = configMap('tcp', { [port]: 'prod/echo:80' })
      await nginx.apply([map, ...service('echo', [])])
      assert.equal(await new Client(t, port).end(), '')
      await nginx.apply([map, ...service('echo', [(await tcpPeer(t, 'one')).port])])
      assert.equal(await greeting(t, port), 'one')
    })

    test('who has said everything still hears the rest', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      // Speaks only when its client has finished.
      const peer = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => socket.destroy()).resume().on('end', () => socket.end('the rest'))
      }).listen(0, '127.0.0.1')
      t.after(() => peer.close())
      await once(peer, 'listening')
      const endpoint = (peer.address() as AddressInfo).port
      await nginx.apply([configMap('tcp', { [port]: 'prod/echo:80' }), ...service('echo', [endpoint])])
      const client = new Client(t, port)
      client.socket.end('everything')
      assert.equal(await client.end(), 'the rest')
    })

    test('a bad entry costs itself alone', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const data = {
        [port]: 'prod/echo:80', 'listen 1; #': 'prod/echo:80', [await freePort()]: 'prod/echo:80; }', 70000: 'prod/echo:80',
      }
      const { findings } = await nginx.apply([configMap('tcp', data), ...service('echo', [peer.port])])
      assert.deepEqual(findings.map(({ reason }) => reason).sort(), ['InvalidPort', 'InvalidPort', 'InvalidStream'])
      assert.equal(await greeting(t, port), 'one')
    })

    test('a port that goes is closed', async (t) => {
      const nginx = await layer4(t, variant)
      const ports = [await freePort(), await freePort()] as const
      const peer = await tcpPeer(t, 'one')
      const objects = service('echo', [peer.port])
      await nginx.apply([configMap('tcp', { [ports[0]]: 'prod/echo:80', [ports[1]]: 'prod/echo:80' }), ...objects])
      assert.equal(await greeting(t, ports[1]), 'one')
      await nginx.apply([configMap('tcp', { [ports[0]]: 'prod/echo:80' }), ...objects])
      assert.equal(await greeting(t, ports[1]), '')
      assert.equal(await greeting(t, ports[0]), 'one')
    })
  })
}
