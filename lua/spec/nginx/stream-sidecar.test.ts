/** Layer 4 by the whole controller on a folder: what it shows, what it says, and what it does about trouble. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import type { GenerationView } from '../../../sidecar/dataplane/generation.ts'
import type { StreamsView } from '../../../sidecar/api/stream-views.ts'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { Finding } from '../../../sidecar/ir/origin.ts'
import { freePort, until, variants, type Variant } from './harness.ts'
import { configMap, service } from './layer4.ts'
import { sidecar, type Sidecar } from './sidecar.ts'
import { Client, tcpPeer } from './tcp.ts'

const FLAGS = ['--tcp-services-configmap=ingress/tcp', '--enable-ssl-passthrough']

function yaml(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringify(object)).join('---\n')
}

async function begin(t: TestContext, variant: Variant, objects: readonly KubeObject[]): Promise<Sidecar> {
  return await sidecar(t, variant, { 'objects.yaml': yaml(objects) }, FLAGS)
}

async function isGreeted(t: TestContext, port: number, name: string): Promise<boolean> {
  const client = new Client(t, port)
  const heard = await client.hear('\n').catch(() => '')
  client.socket.destroy()
  return heard === `${name}\n`
}

/** A port that is in use. */
async function somebodys(t: TestContext): Promise<number> {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return port
}

for (const variant of variants()) {
  describe(`layer 4 of the controller, ${variant}`, () => {
    test('a port and its endpoints are listed, and a reload names what changed', async (t) => {
      const port = await freePort()
      const [one, two] = [await tcpPeer(t, 'one'), await tcpPeer(t, 'two')]
      const map = configMap('tcp', { [port]: 'prod/echo:80' })
      const it = await begin(t, variant, [map, ...service('echo', [one.port])])
      await until('the port is open', () => isGreeted(t, port, 'one'))
      const { ports, endpointsBy } = await it.admin<StreamsView>('/v1/streams')
      const lua = (await it.plane.status()).capabilities.stream_lua
      assert.equal(endpointsBy, lua ? 'records' : 'reload')
      const backend = { namespace: 'prod', service: 'echo', port: '80', endpoints: [`127.0.0.1:${one.port}`] }
      const origin = { kind: 'ConfigMap', apiVersion: 'v1', namespace: 'ingress', name: 'tcp', field: `data[${port}]` }
      const proxyProtocol = { acceptProxyProtocol: false, sendProxyProtocol: false }
      assert.deepEqual(ports, [{ protocol: 'TCP', port, ...proxyProtocol, origin, backend }])
      await it.write('objects.yaml', yaml([map, ...service('echo', [two.port])]))
      await until('the other endpoint', () => isGreeted(t, port, 'two'))
      if (lua) return
      await it.untilFinding('Layer4Reloads')
      // The new endpoint is there before the answer to the reload is.
      const generation = await until('the second generation', async () => {
        const { generations } = await it.admin<{ generations: GenerationView[] }>('/v1/generations')
        return generations[1]
      })
      const messages = generation.causes.map(({ message }) => message)
      assert.deepEqual(messages, [`TCP port ${port}: endpoints of Service prod/echo changed`])
    })

    test('ports that somebody else has cost themselves alone, and one try, however many they are', async (t) => {
      const port = await freePort()
      const taken = await Promise.all(Array.from({ length: 5 }, () => somebodys(t)))
      const peer = await tcpPeer(t, 'one')
      const map = configMap('tcp', Object.fromEntries([port, ...taken].map((it) => [it, 'prod/echo:80'])))
      const it = await begin(t, variant, [map, ...service('echo', [peer.port])])
      const { message } = await it.untilFinding('PortUnavailable')
      assert.match(message, /Address already in use/)
      const { findings } = await it.admin<{ findings: Finding[] }>('/v1/findings')
      const fields = findings.filter(({ reason }) => reason === 'PortUnavailable').map(({ origin }) => origin.field)
      assert.deepEqual(fields.sort(), taken.map((it) => `data[${it}]`).sort())
      // The finding is there before NGINX has the configuration without them.
      await until('the port is open', () => isGreeted(t, port, 'one'))
      assert.equal(it.plane.errors().filter((line) => line.includes('still could not bind')).length, 1)
    })
  })
}
