/** Requests of tests: fetch-like for most, raw bytes where a library would correct them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Agent, request, type Dispatcher } from 'undici'

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

let shared = new Agent()

/** Requests from now on share other connections; those that are under way end as they may. */
export function forgetConnections(): void {
  void shared.close()
  shared = new Agent()
}

export async function ask(origin: string, what: Ask = {}): Promise<Reply> {
  const answer = await request(`${origin}${what.path ?? '/'}`, {
    method: what.method ?? 'GET',
    headers: { host: what.host ?? 'a.example', ...what.headers },
    ...(what.body === undefined ? {} : { body: what.body as string }),
    dispatcher: what.dispatcher ?? shared,
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

/**
 * The status of a request without a body, once NGINX has closed its connection. What NGINX does at the end of a request
 * (a line in the log, what is counted) is done by then; whoever has only the answer cannot know.
 */
export async function statusAtEnd(origin: string, what: Omit<Ask, 'body' | 'dispatcher'> = {}): Promise<number> {
  const headers = Object.entries({ host: what.host ?? 'a.example', connection: 'close', ...what.headers })
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const answer = await raw(origin, `${what.method ?? 'GET'} ${what.path ?? '/'} HTTP/1.1\r\n${lines}\r\n`)
  return Number(answer.split(' ')[1])
}
