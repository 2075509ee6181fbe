/** TCP and UDP from a ConfigMap to a client, with configurations as they are really rendered. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePort, variants } from './harness.ts'
import { configMap, layer4, service } from './layer4.ts'
import { Client, tcpPeer } from './tcp.ts'

for (const variant of variants()) {
  describe(`TCP, ${variant}`, () => {
    test('a connection to a port of the ConfigMap reaches an endpoint of the Service', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const { findings } = await nginx.apply([configMap('tcp', { [port]: 'prod/echo:80' }), ...service('echo', [peer.port])])
      assert.deepEqual(findings, [])
      const client = new Client(t, port)
      await client.hear('one\n')
      client.socket.write('hello')
      await client.hear('hello')
    })
  })
}
