/** Requests of tests: fetch-like for most, raw bytes where a library would correct them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { request, type Dispatcher } from 'undici'

export interface Reply {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Ask {
  readonly host?: string
  readonly path?: string
  readonly method?: 'GET' | 'OPTIONS' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | AsyncIterable<Buffer>
  /** Absent: connections that are shared by all requests. */
  readonly dispatcher?: Dispatcher
}

export async function ask(origin: string, what: Ask = {}): Promise<Reply> {
  const answer = await request(`${origin}${what.path ?? '/'}`, {
    method: what.method ?? 'GET',
    headers: { host: what.host ?? 'a.example', ...what.headers },
    ...(what.body === undefined ? {} : { body: what.body as string }),
    ...(what.dispatcher === undefined ? {} : { dispatcher: what.dispatcher }),
  })
  return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers }
}

/** The whole answer to bytes that are sent as they are, until the server closes the connection. */
export async function raw(origin: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString() })
  socket.write(bytes)
  await once(socket, 'close')
  return text
}
