/** Datagrams: peers that answer with their name, and clients that remember who answered. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { until } from './harness.ts'

async function bound(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return socket
}

/** Answers each datagram with its name; gives its port. `heard` is told the port of who sent it, and the text. */
export async function udpPeer(
  t: TestContext, name: string, heard: (client: number, text: string) => void = () => {},
): Promise<number> {
  const socket = await bound(t)
  socket.on('message', (message, { port, address }) => {
    heard(port, message.toString())
    socket.send(name, port, address)
  })
  return socket.address().port
}

/** One client: all its datagrams come from the same address and port. */
export class UdpClient {
  readonly #socket: Socket
  readonly #port: number

  private constructor(socket: Socket, port: number) {
    this.#socket = socket
    this.#port = port
  }

  static async open(t: TestContext, port: number): Promise<UdpClient> {
    return new UdpClient(await bound(t), port)
  }

  send(text = 'hello'): Promise<void> {
    return new Promise((resolve) => { this.#socket.send(text, this.#port, '127.0.0.1', () => resolve()) })
  }

  /** The same; resolves when whoever listens has taken all that was sent. */
  async sendAndWait(text: string): Promise<void> {
    await this.send(text)
    const port = this.#port.toString(16).toUpperCase().padStart(4, '0')
    await until('it is taken', () => {
      const rows = readFileSync('/proc/net/udp', 'utf8').split('\n').filter((row) => row.includes(`0100007F:${port} `))
      return rows.every((row) => row.includes(':00000000 00:'))
    })
  }

  /** Who answers the next datagram. */
  async ask(): Promise<string> {
    const answer = once(this.#socket, 'message') as Promise<[Buffer]>
    await this.send()
    return (await answer)[0].toString()
  }
}
