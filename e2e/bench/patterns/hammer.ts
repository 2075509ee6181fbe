/** Sends the same request again and again, so many a second, whatever becomes of it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const CONNECTIONS = 8
const TICK_MS = 10

export class Hammer {
  /** How many answers came, by status. */
  readonly answers = new Map<string, number>()
  readonly #port: number
  readonly #sockets: Socket[] = []
  /** In thousandths of a request. */
  #due = 0
  #next = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(port: number) {
    this.#port = port
  }

  /** `rate`: requests a second. */
  static async start(port: number, bytes: string, rate: number): Promise<Hammer> {
    const hammer = new Hammer(port)
    for (let i = 0; i < CONNECTIONS; i += 1) hammer.#sockets.push(hammer.#connect(i))
    await Promise.all(hammer.#sockets.map((socket) => once(socket, 'connect')))
    hammer.#timer = setInterval(() => { hammer.#send(bytes, rate) }, TICK_MS)
    return hammer
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.removeAllListeners('close').destroy()
  }

  /** NGINX closes a connection after some errors. */
  #connect(index: number): Socket {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => { this.#count(chunk) })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => { this.#sockets[index] = this.#connect(index) })
    return socket
  }

  #count(chunk: string): void {
    for (const [, status = ''] of chunk.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
    }
  }

  #send(bytes: string, rate: number): void {
    for (this.#due += rate * TICK_MS; this.#due >= 1000; this.#due -= 1000) {
      this.#sockets[this.#next % CONNECTIONS]?.write(bytes)
      this.#next += 1
    }
  }
}
