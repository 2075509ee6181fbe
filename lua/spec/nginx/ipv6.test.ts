/** Clients and endpoints of both families, at both layers: the same rules, and addresses as they are. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend } from './backends.ts'
import { freePort, variants } from './harness.ts'
import { configMap, ingress, layer4, service, type ServiceOptions } from './layer4.ts'

/** Many containers have none, not even for themselves. */
const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((it) => it?.address === '::1')

/** `service` with its endpoints on ::1, and Services that prefer this family. */
function service6(name: string, ports: readonly number[], options?: ServiceOptions): KubeObject[] {
  return service(name, ports, options).map((it) => it.kind === 'Service' ? it : { ...it,
    metadata: { ...it.metadata, name: `${it.metadata.name}-6` },
    addressType: 'IPv6',
    endpoints: [{ addresses: ['::1'], targetRef: { uid: name } }],
  })
}

/** Says what it was told of the client. */
function tell({ headers }: IncomingMessage, response: ServerResponse): void {
  response.end(`${headers['x-real-ip']} ${headers['x-forwarded-for']}`)
}

async function asked(address: string, port: number, host: string): Promise<string> {
  const question = request({ host: address, port, headers: { host }, agent: false }).end()
  const [answer] = await once(question, 'response') as [IncomingMessage]
  return `${answer.statusCode} ${await text(answer)}`.trim()
}

/** A server on ::1 that says again what it heard when it hears "hello", and ends. */
async function echo(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    let heard = ''
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString()
      if (heard.endsWith('hello')) socket.end(heard)
    })
  }).listen(0, '::1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function echoUdp(t: TestContext): Promise<number> {
  const socket = createSocket('udp6')
  socket.on('message', (message, { port, address }) => socket.send(message, port, address))
  t.after(() => socket.close())
  socket.bind(0, '::1')
  await once(socket, 'listening')
  return socket.address().port
}

async function askUdp(t: TestContext, port: number): Promise<string> {
  const socket = createSocket('udp6')
  t.after(() => socket.close())
  const answer = once(socket, 'message') as Promise<[Buffer]>
  socket.send('hello', port, '::1')
  return (await answer)[0].toString()
}

for (const variant of variants()) {
  describe(`both families, ${variant}`, () => {
    test('HTTP, TCP and UDP, from IPv6 to IPv6', { skip: !HAS_IPV6 && 'this machine has no IPv6' }, async (t) => {
      const nginx = await layer4(t, variant, { addresses: ['127.0.0.1', '::1'] })
      const [six, four] = [await backend(t, 'six', tell, '::1'), await backend(t, 'four', tell)]
      const [tcp, udp] = [await freePort(), await freePort()]
      await nginx.apply([
        configMap('tcp', { [tcp]: 'prod/echo:80::PROXY' }), configMap('udp', { [udp]: 'prod/datagrams:80' }),
        ingress('six', 'six.example', 'six'),
        ingress('four', 'four.example', 'four'),
        ingress('guarded', 'guarded.example', 'six', { 'allowlist-source-range': '::1/128' }),
        ...service6('six', [six.port]), ...service('four', [four.port]), ...service6('echo', [await echo(t)]),
        ...service6('datagrams', [await echoUdp(t)], { protocol: 'UDP' }),
      ])
      const { httpPort } = nginx
      assert.equal(await asked('::1', httpPort, 'six.example'), '200 ::1 ::1')
      assert.equal(await asked('::1', httpPort, `four.example:${httpPort}`), '200 ::1 ::1')
      assert.equal(await asked('127.0.0.1', httpPort, 'six.example'), '200 127.0.0.1 127.0.0.1')
      assert.equal(await asked('::1', httpPort, 'guarded.example'), '200 ::1 ::1')
      assert.match(await asked('127.0.0.1', httpPort, 'guarded.example'), /^403/)
      assert.match(await asked('::1', httpPort, `[::1]:${httpPort}`), /^404/)
      const socket = connect({ port: tcp, host: '::1' })
      socket.write('hello')
      assert.match(await text(socket), /^PROXY TCP6 ::1 ::1 \d+ \d+\r\nhello$/)
      assert.equal(await askUdp(t, udp), 'hello')
      assert.deepEqual(nginx.plane.errors(), [])
    })
  })
}
