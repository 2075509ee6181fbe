/** UDP from a ConfigMap to a client, with configurations as they are really rendered. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePort, until, variants } from './harness.ts'
import { configMap, layer4, service } from './layer4.ts'
import { Client, tcpPeer } from './tcp.ts'
import { UdpClient, udpPeer } from './udp.ts'

for (const variant of variants()) {
  describe(`UDP, ${variant}`, () => {
    test('datagrams reach an endpoint, and answers the client', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const peer = await udpPeer(t, 'one')
      const objects = [configMap('udp', { [port]: 'prod/dns:80' }), ...service('dns', [peer], { protocol: 'UDP' })]
      assert.deepEqual((await nginx.apply(objects)).findings, [])
      assert.equal(await (await UdpClient.open(t, port)).ask(), 'one')
    })

    test('one port for both protocols', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const udp = await udpPeer(t, 'udp')
      const tcp = await tcpPeer(t, 'tcp')
      await nginx.apply([
        configMap('udp', { [port]: 'prod/dns:80' }), ...service('dns', [udp], { protocol: 'UDP' }),
        configMap('tcp', { [port]: 'prod/echo:80' }), ...service('echo', [tcp.port]),
      ])
      assert.equal(await (await UdpClient.open(t, port)).ask(), 'udp')
      await new Client(t, port).hear('tcp\n')
    })

    test('with more answers than one the datagrams of a client are one session, whatever worker there is, and with one each has its own', async (t) => {
      const nginx = await layer4(t, variant, { configMap: 'ingress/settings' })
      const port = await freePort()
      const sessions = new Set<number>()
      const peer = await udpPeer(t, 'one', (client) => sessions.add(client))
      const map = configMap('udp', { [port]: 'prod/dns:80' })
      const answers = (count: Readonly<Record<string, string>>): Promise<unknown> =>
        nginx.apply([configMap('settings', { ...count, 'worker-processes': '4' }), map, ...service('dns', [peer], { protocol: 'UDP' })])
      await answers({ 'proxy-stream-responses': '1000000' })
      const client = await UdpClient.open(t, port)
      for (let i = 0; i < 30; i += 1) assert.equal(await client.ask(), 'one')
      assert.equal(sessions.size, 1)
      await answers({})
      const other = await UdpClient.open(t, port)
      await until('there are more', async () => (await other.ask()) === 'one' && sessions.size > 2)
    })

    test('a client is answered before and after a reload', async (t) => {
      const nginx = await layer4(t, variant)
      const ports = [await freePort(), await freePort()] as const
      const objects = service('dns', [await udpPeer(t, 'one')], { protocol: 'UDP' })
      await nginx.apply([configMap('udp', { [ports[0]]: 'prod/dns:80' }), ...objects])
      const client = await UdpClient.open(t, ports[0])
      assert.equal(await client.ask(), 'one')
      const more = configMap('udp', { [ports[0]]: 'prod/dns:80', [ports[1]]: 'prod/dns:80' })
      assert.equal((await nginx.apply([more, ...objects])).reloaded, true)
      assert.equal(await client.ask(), 'one')
    })

    test('without an endpoint datagrams are dropped, and with the first one they are answered', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const map = configMap('udp', { [port]: 'prod/dns:80' })
      await nginx.apply([map, ...service('dns', [], { protocol: 'UDP' })])
      const client = await UdpClient.open(t, port)
      await client.sendAndWait('for nobody')
      const heard: string[] = []
      const peer = await udpPeer(t, 'one', (_, message) => heard.push(message))
      await nginx.apply([map, ...service('dns', [peer], { protocol: 'UDP' })])
      assert.equal(await client.ask(), 'one')
      assert.deepEqual(heard, ['hello'])
    })
  })
}
