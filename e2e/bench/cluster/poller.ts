/**
 * Asks again and again over keep-alive connections and tells of each answer when it was asked. Written on
 * sockets, because it has to leave the machine to what is measured.
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly connection: number
  readonly status: number
  readonly body: string
  /** `performance.now()`. */
  readonly sent: number
  readonly received: number
}

export interface PollerOptions {
  readonly address: string
  readonly port: number
  readonly host: string
  /** Pause of each connection between an answer and its next request. */
  readonly pauseMs: number
  readonly onAnswer: (answer: Answer) => void
}

export class Poller {
  readonly #options: PollerOptions
  readonly #connections: Connection[] = []

  constructor(options: PollerOptions) {
    this.#options = options
  }

  get connections(): number {
    return this.#connections.length
  }

  /** Opens one more connection, which asks once and rests until `start`; resolves when it has the answer. */
  async open(): Promise<void> {
    const connection = new Connection(this.#connections.length, this.#options)
    this.#connections.push(connection)
    await connection.answered
  }

  /** Closes the connection that was opened last. */
  closeLast(): void {
    this.#connections.pop()?.close()
  }

  /** From now on every connection asks again after each answer. */
  start(): void {
    for (const connection of this.#connections) connection.start()
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}

class Connection {
  /** Resolves with the first answer. */
  readonly answered: Promise<void>
  readonly #id: number
  readonly #options: PollerOptions
  readonly #request: string
  readonly #first = Promise.withResolvers<void>()
  #socket: Socket | undefined
  #text = ''
  #sent = 0
  #closed = false
  #started = false
  #pause: NodeJS.Timeout | undefined

  constructor(id: number, options: PollerOptions) {
    this.#id = id
    this.#options = options
    this.#request = `GET / HTTP/1.1\r\nHost: ${options.host}\r\n\r\n`
    this.answered = this.#first.promise
    this.#connect()
  }

  start(): void {
    this.#started = true
    this.#ask()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#pause)
    this.#socket?.destroy()
  }

  #connect(): void {
    clearTimeout(this.#pause)
    const { address, port } = this.#options
    const socket = connect({ host: address, port, noDelay: true })
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => { this.#read(chunk) })
    socket.on('error', (error) => { this.#first.reject(error) })
    socket.on('close', () => { if (!this.#closed) this.#connect() })
    this.#socket = socket
    this.#text = ''
    this.#ask()
  }

  #ask(): void {
    if (this.#closed) return
    this.#sent = performance.now()
    this.#socket?.write(this.#request)
  }

  #read(chunk: string): void {
    this.#text += chunk
    const parsed = parseAnswer(this.#text)
    if (parsed === undefined) return
    this.#text = ''
    const { pauseMs, onAnswer } = this.#options
    onAnswer({ ...parsed, connection: this.#id, sent: this.#sent, received: performance.now() })
    this.#first.resolve()
    if (this.#started) this.#pause = setTimeout(() => { this.#ask() }, pauseMs)
  }
}

/** Undefined while it is not complete. Throws when it has no length: our answers have one. */
export function parseAnswer(text: string): Pick<Answer, 'status' | 'body'> | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${head}`)
  const body = text.slice(end + 4)
  return body.length < Number(length) ? undefined : { status: Number(head.slice(9, 12)), body }
}
