/** Single requests to the proxy, each over a connection of its own. */

import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface Ask {
  readonly address: string
  /** By default 80, or 443 over TLS. */
  readonly port?: number
  readonly host: string
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  /** Over TLS, verified with this authority. */
  readonly ca?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What the lab's backend tells of a request. */
export interface Echo {
  readonly pod: string
  readonly namespace: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** Rejects when no whole answer comes. */
export async function ask(what: Ask): Promise<Answer> {
  return await answerOf(await send(what))
}

/** The backend's own words; throws when the answer is not 200. */
export async function askEcho(what: Ask): Promise<Echo> {
  const { status, body } = await ask(what)
  if (status !== 200) throw new Error(`${what.host}${what.path ?? '/'} answered ${status}: ${body}`)
  return JSON.parse(body) as Echo
}

/** Resolves with the head of the answer. */
export async function send(what: Ask): Promise<IncomingMessage> {
  const { address, port, host, path = '/', method = 'GET', headers = {}, body, ca } = what
  const all = { host, ...headers } as Record<string, string | string[]>
  const options = { host: address, path, method, agent: false as const, headers: all }
  return await new Promise((resolve, reject) => {
    const request = ca === undefined
      ? httpRequest({ ...options, port: port ?? 80 }, resolve)
      : httpsRequest({ ...options, port: port ?? 443, ca, servername: host }, resolve)
    request.once('error', reject)
    request.end(body)
  })
}

export async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return {
    status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString(),
  }
}
