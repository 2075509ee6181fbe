/** A data plane that has what the translation makes of objects: its nginx.conf and its records. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { Finding } from '../../../sidecar/ir/origin.ts'
import type { Capabilities } from '../../../sidecar/nginx/input.ts'
import type { PipelineOptions } from '../../../sidecar/pipeline.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { translate } from '../../../sidecar/translate.ts'
import { freePort, start, type DataPlane, type Json, type Variant } from './harness.ts'

const OPTIONS = { tcpServices: 'ingress/tcp', udpServices: 'ingress/udp', allowLoopback: true }

export interface Layer4 {
  readonly plane: DataPlane
  readonly capabilities: Capabilities
  readonly httpPort: number
  readonly httpsPort: number
  /** Loads the objects; gives what is wrong with them, and whether NGINX loaded another configuration. */
  apply(objects: readonly KubeObject[]): Promise<{ readonly findings: readonly Finding[]; readonly reloaded: boolean }>
}

export async function layer4(t: TestContext, variant: Variant, options: Partial<PipelineOptions> = {}): Promise<Layer4> {
  const plane = await start(variant)
  t.after(() => plane.stop())
  const { capabilities } = await plane.status()
  const ports = { httpPort: await freePort(), httpsPort: await freePort() }
  const listeners = { addresses: ['127.0.0.1'], ...ports }
  return {
    plane,
    capabilities,
    ...ports,
    apply: async (objects) => {
      const input = { objects, options: { ...GOLDEN_OPTIONS, ...OPTIONS, ...options }, listeners, capabilities }
      const { config, records, findings } = translate(input)
      await plane.put(records as Json)
      const answer = await plane.call('PUT', '/v1/config', config)
      assert.equal(answer.status, 200, `${answer.text}\n${config}`)
      return { findings, reloaded: answer.body.reloaded }
    },
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ingress', name }, data } as KubeObject
}

export interface ServiceOptions {
  readonly protocol?: 'TCP' | 'UDP'
  readonly draining?: readonly number[]
}

/** Service `prod/<name>`, port 80 (name `main`), and its endpoints: ports of 127.0.0.1. */
export function service(name: string, ports: readonly number[], options: ServiceOptions = {}): KubeObject[] {
  const { protocol = 'TCP', draining = [] } = options
  const metadata = { namespace: 'prod', labels: { 'kubernetes.io/service-name': name } }
  const slices = [...ports, ...draining].map((port, i) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, name: `${name}-${i}` },
    addressType: 'IPv4',
    ports: [{ name: 'main', port, protocol }],
    endpoints: [{
      addresses: ['127.0.0.1'],
      conditions: { ready: !draining.includes(port), serving: true },
    }],
  }))
  const spec = { ports: [{ name: 'main', port: 80, protocol }] }
  return [{ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'prod', name }, spec }, ...slices] as KubeObject[]
}

export interface TcpPeer {
  readonly name: string
  readonly port: number
  readonly server: Server
  connections: number
}

/** A server that greets with its name, and then says again whatever it hears. */
export async function tcpPeer(t: TestContext, name: string): Promise<TcpPeer> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true })
  const self: TcpPeer = { name, port: 0, server, connections: 0 }
  server.on('connection', (socket) => {
    self.connections += 1
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    socket.write(`${name}\n`)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return Object.assign(self, { port: (server.address() as AddressInfo).port })
}

/** A connection that remembers what it heard. */
export class Client {
  readonly socket: Socket
  heard = ''
  #changed = Promise.withResolvers<void>()
  ended = false

  constructor(t: TestContext, port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.socket.on('data', (chunk: Buffer) => this.#hear(chunk.toString('latin1')))
    this.socket.on('error', () => this.#end()).on('end', () => this.#end()).on('close', () => this.#end())
    t.after(() => this.socket.destroy())
  }

  /** Resolves when the text was heard; rejects when the connection ends before that. */
  async hear(text: string): Promise<string> {
    while (!this.heard.includes(text)) {
      if (this.ended) throw new Error(`the connection ended after ${JSON.stringify(this.heard)}`)
      await this.#changed.promise
    }
    return this.heard
  }

  /** Resolves to all that was heard, when the other side has ended. */
  async end(): Promise<string> {
    while (!this.ended) await this.#changed.promise
    return this.heard
  }

  #hear(text: string): void {
    this.heard += text
    this.#notify()
  }

  #end(): void {
    this.ended = true
    this.#notify()
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }
}
