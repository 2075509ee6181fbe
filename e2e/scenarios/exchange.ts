/** Requests that the test itself holds open, so that something can happen while they are under way. */

import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import WebSocket from 'ws'
import { answerOf, send, type Answer } from './http.ts'

export interface Where {
  readonly address: string
  readonly host: string
  readonly path?: string
}

/** A request whose body has begun and ends when the test says so. */
export class Upload {
  readonly #request: ClientRequest
  readonly #response: Promise<IncomingMessage>

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
    return upload
  }

  write(text: string): void {
    this.#request.write(text)
  }

  async end(rest: string): Promise<Answer> {
    this.#request.end(rest)
    return await answerOf(await this.#response)
  }
}

/** A response that has begun and goes on when the test reads on: too large for any buffer on the way. */
export class Download {
  readonly #response: IncomingMessage
  #received = 0

  private constructor(response: IncomingMessage) {
    this.#response = response
  }

  static async start(where: Where, size: number): Promise<Download> {
    const download = new Download(await send({ ...where, path: `${where.path ?? '/'}?size=${size}` }))
    await once(download.#response, 'readable')
    return download
  }

  /** Reads the rest; rejects when the connection ends before. How many bytes there were in all. */
  async end(): Promise<number> {
    for await (const chunk of this.#response) this.#received += (chunk as Buffer).length
    return this.#received
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
