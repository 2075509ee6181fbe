/** TCP peers that say who they are, and clients that remember what they heard. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface TcpPeer {
  readonly name: string
  readonly port: number
  readonly server: Server
  connections: number
}

/** A server that greets with its name, and then says again whatever it hears. */
export async function tcpPeer(t: TestContext, name: string, port = 0): Promise<TcpPeer> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true })
  const self: TcpPeer = { name, port, server, connections: 0 }
  server.on('connection', (socket) => {
    self.connections += 1
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    socket.write(`${name}\n`)
    socket.pipe(socket)
  })
  server.listen(port, '127.0.0.1')
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

  /** @param localAddress that the connection comes from */
  constructor(t: TestContext, port: number, localAddress = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
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
