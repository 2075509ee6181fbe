/** Requests that the test itself holds open, so that something can happen while they are under way. */

import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import WebSocket from 'ws'
import { answerOf, send, type Echo } from './http.ts'

export interface Where {
  readonly address: string
  readonly host: string
  readonly path?: string
}

/** Whoever is silent for longer, a minute, is given up by the proxy: a test may wait longer than that. */
const SIGN_OF_LIFE_MS = 10_000
const FILLER = '\n'
/** More than what makes a connection writable again, whatever the kernel keeps. */
const SIP_BYTES = 4 * 1024 * 1024

/** A request to the lab's backend whose body has begun and ends when the test says so. */
export class Upload {
  readonly #request: ClientRequest
  readonly #response: Promise<IncomingMessage>
  #signsOfLife: NodeJS.Timeout | undefined

  private constructor(request: ClientRequest) {
    this.#request = request
    this.#response = new Promise((resolve, reject) => {
      request.once('response', resolve)
      request.once('error', reject)
    })
    // Looked at in `end`, maybe much later.
    this.#response.catch(() => {})
  }

  /** Resolves when the proxy has seen the head: it says that the body may come. */
  static async start({ address, host, path = '/' }: Where, first: string): Promise<Upload> {
    const headers = { host, expect: '100-continue', 'transfer-encoding': 'chunked' }
    const request = httpRequest({ host: address, port: 80, path, method: 'POST', agent: false, headers })
    const upload = new Upload(request)
    request.flushHeaders()
    await Promise.race([once(request, 'continue'), upload.#response])
    request.write(first)
    upload.#signsOfLife = setInterval(() => { request.write(FILLER) }, SIGN_OF_LIFE_MS).unref()
    return upload
  }

  /** The body as the backend got it. Throws when it got none. */
  async end(rest: string): Promise<string> {
    clearInterval(this.#signsOfLife)
    this.#request.end(rest)
    const { status, body } = await answerOf(await this.#response)
    if (status !== 200) throw new Error(`the upload was answered ${status}: ${body}`)
    return (JSON.parse(body) as Echo).body.replaceAll(FILLER, '')
  }
}

/** A response that has begun and goes on when the test reads on: too large for any buffer on the way. */
export class Download {
  readonly #response: IncomingMessage
  readonly #sips: NodeJS.Timeout
  readonly #end: Promise<unknown>
  #received = 0
  #wanted = SIP_BYTES

  private constructor(response: IncomingMessage) {
    this.#response = response
    this.#end = once(response, 'end')
    // Looked at in `end`, maybe much later.
    this.#end.catch(() => {})
    response.on('data', (chunk: Buffer) => {
      this.#received += chunk.length
      if (this.#received >= this.#wanted) response.pause()
    })
    this.#sips = setInterval(() => { this.#readTo(this.#received + SIP_BYTES) }, SIGN_OF_LIFE_MS).unref()
  }

  static async start(where: Where, size: number): Promise<Download> {
    return new Download(await send({ ...where, path: `${where.path ?? '/'}?size=${size}` }))
  }

  /** Reads the rest; rejects when the connection ends before. How many bytes there were in all. */
  async end(): Promise<number> {
    clearInterval(this.#sips)
    this.#readTo(Infinity)
    await this.#end
    return this.#received
  }

  #readTo(bytes: number): void {
    this.#wanted = bytes
    this.#response.resume()
  }
}

/** A websocket to the lab's backend, which answers each message with `<pod> <message>`. */
export class Echoes {
  readonly #socket: WebSocket

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** Over TLS, verified, with an authority. */
  static async open({ address, host, path = '/', ca }: Where & { readonly ca?: string }): Promise<Echoes> {
    const options = { headers: { host }, ...ca === undefined ? {} : { ca, servername: host } }
    const socket = new WebSocket(`${ca === undefined ? 'ws' : 'wss'}://${address}${path}`, options)
    await once(socket, 'open')
    return new Echoes(socket)
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** The answer to one message; rejects when the connection ends instead. */
  async say(message: string): Promise<string> {
    if (!this.isOpen) throw new Error('the websocket was closed')
    const ended = new AbortController()
    try {
      const answer = once(this.#socket, 'message', { signal: ended.signal }) as Promise<[Buffer]>
      const end = once(this.#socket, 'close', { signal: ended.signal }).then(() => { throw new Error('the websocket was closed') })
      this.#socket.send(message)
      const [data] = await Promise.race([answer, end])
      return String(data)
    } finally {
      ended.abort()
    }
  }

  close(): void {
    this.#socket.terminate()
  }
}
