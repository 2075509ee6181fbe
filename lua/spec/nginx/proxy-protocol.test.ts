/** PROXY protocol in and out: of HTTP, of TCP, and before TLS passthrough. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend } from './backends.ts'
import { freePort, variants, type Variant } from './harness.ts'
import { configMap, ingress, layer4, service, type Layer4 } from './layer4.ts'
import { Client, tcpPeer } from './tcp.ts'
import { keyPair, tlsPeer } from './tls.ts'

const HEADER = 'PROXY TCP4 203.0.113.9 203.0.113.1 4242 443\r\n'
const DEFAULT = keyPair('default')
const RECORDS = { 'certificate/default': { digest: 'd', chain: DEFAULT.cert, key: DEFAULT.key } }
const TRUST = { 'use-proxy-protocol': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8' }

interface Http extends Layer4 {
  readonly objects: readonly KubeObject[]
}

/** An HTTP host whose backend answers with the headers that it got. */
async function http(t: TestContext, variant: Variant, settings: Readonly<Record<string, string>>): Promise<Http> {
  const nginx = await layer4(t, variant, { configMap: 'ingress/settings', sslPassthrough: true, records: RECORDS })
  const web = await backend(t, 'web', (request, response) => response.end(JSON.stringify(request.headers)))
  const objects = [configMap('settings', settings), ingress('web', 'web.example', 'web'), ...service('web', [web.port])]
  await nginx.apply(objects)
  return { ...nginx, objects }
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: web.example\r\nX-Forwarded-For: 192.0.2.66\r\nConnection: close\r\n\r\n'

interface Seen {
  readonly 'x-real-ip': string
  readonly 'x-forwarded-for': string
  readonly 'x-forwarded-port': string
  readonly 'x-forwarded-proto': string
}

function headersOf(answer: string): Seen {
  return JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen
}

async function plain(t: TestContext, port: number, before: string): Promise<Seen> {
  const client = new Client(t, port)
  client.socket.write(before + REQUEST)
  return headersOf(await client.end())
}

interface Tls {
  readonly name: string
  readonly answer: string
}

interface TlsOptions {
  readonly before: string
  readonly servername: string
  readonly text: string
}

/** TLS after the bytes `before`: the name in the certificate, and what the other side says after `text`. */
async function overTls(t: TestContext, port: number, options: TlsOptions): Promise<Tls> {
  const raw = connectTcp(port, '127.0.0.1')
  t.after(() => raw.destroy())
  raw.write(options.before)
  const socket = connectTls({ socket: raw, rejectUnauthorized: false, servername: options.servername })
  await once(socket, 'secureConnect')
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.write(options.text)
  let answer = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answer += chunk.toString()
    if (answer.includes(options.text) || answer.includes('}')) break
  }
  return { name, answer }
}

for (const variant of variants()) {
  describe(`PROXY protocol, ${variant}`, () => {
    test('HTTP and TLS: the address of a trusted load balancer gives way to that of its client', async (t) => {
      const nginx = await http(t, variant, TRUST)
      const seen = await plain(t, nginx.httpPort, HEADER)
      assert.equal(seen['x-real-ip'], '203.0.113.9')
      assert.equal(seen['x-forwarded-for'], '203.0.113.9')
      assert.deepEqual([seen['x-forwarded-port'], seen['x-forwarded-proto']], ['443', 'https'], 'TLS ended at its port 443')
      const unencrypted = await plain(t, nginx.httpPort, HEADER.replace('443', '1234'))
      assert.deepEqual([unencrypted['x-forwarded-port'], unencrypted['x-forwarded-proto']], ['1234', 'http'])
      const { answer } = await overTls(t, nginx.httpsPort, { before: HEADER, servername: 'web.example', text: REQUEST })
      assert.equal(headersOf(answer)['x-real-ip'], '203.0.113.9')
      assert.equal(headersOf(answer)['x-forwarded-proto'], 'https')
    })

    test('HTTP: of somebody else the header is read, and not believed', async (t) => {
      const nginx = await http(t, variant, { ...TRUST, 'proxy-real-ip-cidr': '198.18.0.0/15' })
      const seen = await plain(t, nginx.httpPort, HEADER)
      assert.equal(seen['x-real-ip'], '127.0.0.1')
      assert.deepEqual([seen['x-forwarded-port'], seen['x-forwarded-proto']], [String(nginx.httpPort), 'http'])
    })

    test('HTTP: without a header there is no answer', async (t) => {
      const nginx = await http(t, variant, TRUST)
      const client = new Client(t, nginx.httpPort)
      client.socket.write(REQUEST)
      assert.ok(!(await client.end()).includes('{'))
    })

    test('forwarded headers count when the client that the header names is a trusted proxy', async (t) => {
      const ranges = '127.0.0.0/8,203.0.113.0/24'
      const settings = { ...TRUST, 'use-forwarded-headers': 'true', 'compute-full-forwarded-for': 'true' }
      const trusting = await http(t, variant, { ...settings, 'proxy-real-ip-cidr': ranges })
      assert.equal((await plain(t, trusting.httpPort, HEADER))['x-forwarded-for'], '192.0.2.66, 203.0.113.9')
      const wary = await http(t, variant, settings)
      assert.equal((await plain(t, wary.httpPort, HEADER))['x-forwarded-for'], '203.0.113.9')
    })

    test('beside TLS passthrough the address of the client is kept, or TLS is not passed on', async (t) => {
      const nginx = await http(t, variant, TRUST)
      const vault = await tlsPeer(t, 'vault')
      const passed = ingress('vault', 'vault.example', 'vault', { 'ssl-passthrough': 'true' })
      await nginx.apply([...nginx.objects, passed, ...service('vault', [vault.port])])
      const port = nginx.httpsPort
      const web = await overTls(t, port, { before: HEADER, servername: 'web.example', text: REQUEST })
      assert.equal(headersOf(web.answer)['x-real-ip'], '203.0.113.9')
      const other = await overTls(t, port, { before: HEADER, servername: 'vault.example', text: REQUEST })
      assert.equal(other.name, nginx.capabilities.stream_realip ? 'vault' : 'default')
    })

    test('TCP: accepted, the backend does not see it', async (t) => {
      const nginx = await layer4(t, variant)
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      await nginx.apply([configMap('tcp', { [port]: 'prod/echo:80:PROXY' }), ...service('echo', [peer.port])])
      const client = new Client(t, port)
      client.socket.write(`${HEADER}hello`)
      assert.equal(await client.hear('hello'), 'one\nhello')
    })

    test('TCP: sent, it names the client, whatever HTTP begins with', async (t) => {
      const nginx = await layer4(t, variant, { configMap: 'ingress/settings' })
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const map = configMap('tcp', { [port]: 'prod/echo:80::PROXY' })
      await nginx.apply([configMap('settings', TRUST), map, ...service('echo', [peer.port])])
      const client = new Client(t, port)
      client.socket.write('hello')
      const heard = await client.hear('hello')
      assert.equal(heard, `one\nPROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} ${port}\r\nhello`)
    })

    test('TCP: accepted from a trusted range and sent, it names the client of the load balancer', async (t) => {
      const nginx = await layer4(t, variant, { configMap: 'ingress/settings' })
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const settings = configMap('settings', { 'proxy-real-ip-cidr': '127.0.0.0/8' })
      const map = configMap('tcp', { [port]: 'prod/echo:80:PROXY:PROXY' })
      await nginx.apply([settings, map, ...service('echo', [peer.port])])
      const client = new Client(t, port)
      client.socket.write(`${HEADER}hello`)
      assert.match(await client.hear('hello'), /^one\nPROXY TCP4 203\.0\.113\.9 [0-9.]+ 4242 \d+\r\nhello$/)
    })

    test('TCP: from nowhere trusted, it names who made the connection', async (t) => {
      const nginx = await layer4(t, variant, { configMap: 'ingress/settings' })
      const port = await freePort()
      const peer = await tcpPeer(t, 'one')
      const map = configMap('tcp', { [port]: 'prod/echo:80:PROXY:PROXY' })
      await nginx.apply([map, ...service('echo', [peer.port])])
      const client = new Client(t, port)
      client.socket.write(`${HEADER}hello`)
      assert.match(await client.hear('hello'), /^one\nPROXY TCP4 127\.0\.0\.1 /)
      // Where the header goes through as it is, such a client may not even connect.
      const settings = configMap('settings', { 'proxy-real-ip-cidr': '198.18.0.0/15' })
      await nginx.apply([map, settings, ...service('echo', [peer.port])])
      const other = new Client(t, port)
      other.socket.write(`${HEADER}hello`)
      const heard = await other.hear('hello').catch(() => '')
      assert.match(heard, nginx.capabilities.stream_realip ? /^one\nPROXY TCP4 127\.0\.0\.1 / : /^$/)
    })
  })
}
