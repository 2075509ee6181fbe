/** TLS that is passed on by its name, beside TLS that ends here on the same port. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { Agent, request } from 'undici'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend } from './backends.ts'
import { start, until, variants, type Variant } from './harness.ts'
import { configMap, ingress, layer4, service, type Layer4 } from './layer4.ts'
import { handshake, keyPair, shownName, tlsPeer } from './tls.ts'

const PASSTHROUGH = { 'ssl-passthrough': 'true' }
const DEFAULT = keyPair('default')
const RECORDS = { 'certificate/default': { digest: 'd', chain: DEFAULT.cert, key: DEFAULT.key } }

/** A host whose TLS ends at `vault`, and one whose TLS ends here and is served by an HTTP backend. */
async function begin(t: TestContext, variant: Variant): Promise<{ nginx: Layer4; objects: KubeObject[] }> {
  const nginx = await layer4(t, variant, { sslPassthrough: true, configMap: 'ingress/settings', records: RECORDS })
  const vault = await tlsPeer(t, 'vault')
  const web = await backend(t, 'web', (incoming, response) => response.end(JSON.stringify(incoming.headers)))
  const objects = [
    ingress('web', 'web.example', 'web'),
    ...service('web', [web.port]),
    ...service('vault', [vault.port]),
  ]
  return { nginx, objects }
}

const passed = [
  ingress('vault', 'vault.example', 'vault', PASSTHROUGH),
  ingress('wild', '*.wild.example', 'vault', PASSTHROUGH),
]

/** The headers that the backend of web.example got, over TLS. */
async function headersSeen(port: number, more: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const headers = { host: 'web.example', ...more }
  const agent = new Agent({ connect: { rejectUnauthorized: false, servername: 'web.example' } })
  const answer = await request(`https://127.0.0.1:${port}/`, { dispatcher: agent, headers })
  const text = await answer.body.text()
  await agent.close()
  return JSON.parse(text) as Record<string, string>
}

for (const variant of variants()) {
  describe(`TLS passthrough, ${variant}`, () => {
    test('by name: exact, wildcard of one label, and everything else ends here', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      const own = ingress('own', 'own.wild.example', 'web')
      const { findings } = await nginx.apply([...objects, ...passed, own])
      assert.deepEqual(findings, [])
      const { httpsPort } = nginx
      for (const name of ['vault.example', 'VAULT.example', 'a.wild.example']) {
        assert.equal(await shownName(t, httpsPort, name), 'vault', name)
      }
      for (const name of ['web.example', 'wild.example', 'a.b.wild.example', 'own.wild.example', 'avault.example', 'x.vault.example', undefined]) {
        assert.equal(await shownName(t, httpsPort, name), 'default', name)
      }
    })

    test('ALPN and the certificate of a client are between the two ends', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      await nginx.apply([...objects, ...passed])
      const socket = await handshake(t, nginx.httpsPort, { servername: 'vault.example', ALPNProtocols: ['private'] })
      assert.equal(socket.alpnProtocol, 'private')
      socket.write('hello')
      const [heard] = await once(socket, 'data') as [Buffer]
      assert.equal(heard.toString(), 'hello')
    })

    test('a ClientHello that comes in pieces, and a client that never says anything', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      await nginx.apply([...objects, ...passed])
      const silent = connect(nginx.httpsPort, '127.0.0.1')
      t.after(() => silent.destroy())
      await once(silent, 'connect')
      // A relay that sends each byte of the client by itself.
      const relay = createServer((client) => {
        const server = connect({ port: nginx.httpsPort, host: '127.0.0.1', noDelay: true })
        server.on('error', () => client.destroy()).pipe(client)
        client.on('error', () => server.destroy()).on('data', (data: Buffer) => {
          for (const byte of data) server.write(Buffer.of(byte))
        })
      }).listen(0, '127.0.0.1')
      t.after(() => relay.close())
      await once(relay, 'listening')
      assert.equal(await shownName(t, (relay.address() as AddressInfo).port, 'vault.example'), 'vault')
    })

    test('TLS that ends here keeps the address of the client and the port', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      await nginx.apply([...objects, ...passed])
      const seen = await headersSeen(nginx.httpsPort, { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-port': '1' })
      assert.equal(seen['x-real-ip'], '127.0.0.1')
      assert.equal(seen['x-forwarded-for'], '127.0.0.1')
      assert.equal(seen['x-forwarded-proto'], 'https')
      assert.equal(seen['x-forwarded-port'], String(nginx.httpsPort))
    })

    test('forwarded headers of a trusted proxy count there, too', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      const settings = configMap('settings', {
        'use-forwarded-headers': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8', 'compute-full-forwarded-for': 'true',
      })
      await nginx.apply([...objects, ...passed, settings])
      const seen = await headersSeen(nginx.httpsPort, { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-port': '8443' })
      assert.equal(seen['x-forwarded-for'], '203.0.113.9, 127.0.0.1')
      assert.equal(seen['x-forwarded-port'], '8443')
    })

    test('NGINX that was killed and starts alone passes TLS on as before', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      await nginx.apply([...objects, ...passed])
      await nginx.plane.stop('SIGKILL')
      const next = await start(variant, { folder: nginx.plane.folder })
      t.after(() => next.stop())
      assert.equal(await shownName(t, nginx.httpsPort, 'vault.example'), 'vault')
      assert.equal(await shownName(t, nginx.httpsPort, 'web.example'), 'default')
    })

    test('a host that comes and goes moves the port between HTTP and layer 4, and nobody notices', async (t) => {
      const { nginx, objects } = await begin(t, variant)
      await nginx.apply(objects)
      const results: string[] = []
      let going = true
      const clients = Array.from({ length: 4 }, async () => {
        while (going) results.push(await shownName(t, nginx.httpsPort, 'web.example').catch((error: Error) => error.message))
      })
      for (const change of [passed, [], passed, []]) {
        const count = results.length
        await nginx.apply([...objects, ...change])
        await until('more handshakes', () => results.length > count + 20)
      }
      going = false
      await Promise.all(clients)
      assert.deepEqual(results.filter((name) => name !== 'default'), [])
    })
  })
}
