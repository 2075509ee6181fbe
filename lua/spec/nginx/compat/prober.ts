/** Asks what rows say, and looks at what they say is to be seen. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { request as requestTls } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { Agent, request } from 'undici'
import { ask, statusAtEnd, type Reply } from '../client.ts'
import { until } from '../harness.ts'
import type { Sidecar } from '../sidecar.ts'
import type { Probe } from './row.ts'
import type { World } from './world.ts'

interface Heard extends Reply {
  /** Of the connection, where it is TLS. */
  readonly cipher?: string
}

type Headers = Readonly<Record<string, string>>
type SentHeaders = Headers & { readonly host: string }

function compare(what: string, got: string | undefined, expected: string | RegExp | undefined): void {
  if (expected instanceof RegExp) assert.match(String(got), expected, what)
  else assert.equal(got, expected, what)
}

/** Parameters of FastCGI stand one level below the rest. */
function seenIn(text: string): Headers {
  const got = JSON.parse(text) as Headers & { readonly params?: Headers }
  return got.params ?? got
}

function assertReply({ status, text, headers, cipher }: Heard, probe: Probe): void {
  assert.equal(status, probe.status ?? 200, text)
  for (const [name, expected] of Object.entries(probe.answer ?? {})) compare(name, headers[name]?.toString(), expected)
  if (probe.cipher !== undefined) assert.equal(cipher, probe.cipher)
  if (probe.seen === undefined) return
  const got = seenIn(text)
  for (const [name, expected] of Object.entries(probe.seen)) compare(name, got[name], expected)
}

function assertDifferent(told: readonly (string | undefined)[], count: number): void {
  assert.equal(new Set(told).size, count, told.join())
}

/** The second chunk comes when it is time. */
async function* inChunks(time: Promise<void>): AsyncGenerator<Buffer> {
  yield Buffer.from('some')
  await time
  yield Buffer.from('more')
}

/** Of one host; remembers its cookies. */
export class Prober {
  readonly #it: Sidecar
  readonly #world: World
  readonly #name: string
  #cookies: string[] = []

  constructor(it: Sidecar, world: World, name: string) {
    this.#it = it
    this.#world = world
    this.#name = name
  }

  async check(probe: Probe): Promise<void> {
    if (probe.loaded !== undefined) return this.#checkLoaded(probe.loaded)
    if (probe.refused === true) return assert.rejects(this.#ask(probe), { code: 'EPROTO' })
    const { meanwhile, sooner, ...asked } = probe
    if (meanwhile === true) return this.#checkWhile(`${this.#name}.example`, asked)
    if (sooner === true) return this.#checkWhile('near.example', asked)
    if (probe.times !== undefined) return this.#checkMany(probe, probe.times)
    if (probe.slowAfter !== undefined) return this.#checkSlow(probe, probe.slowAfter)
    assertReply(await this.#ask(probe), probe)
    if (probe.copied !== undefined) await this.#checkCopy(probe.copied)
    if (probe.logged !== undefined) await this.#checkLog(probe)
    const { line } = probe
    if (line !== undefined) await until(`there is a line ${String(line)}`, () => line.test(this.#log()))
  }

  #checkLoaded(expected: RegExp): void {
    assert.match(readFileSync(join(this.#it.plane.folder, 'nginx.conf'), 'utf8'), expected)
  }

  async #ask(probe: Probe): Promise<Heard> {
    const host = `${probe.prefix ?? ''}${this.#name}.example`
    const cookies: Headers = probe.returning === true ? { cookie: this.#cookies.join('; ') } : {}
    const headers = { host, ...cookies, ...probe.headers }
    const reply = await this.#send(probe, headers)
    this.#cookies.push(...[reply.headers['set-cookie'] ?? []].flat().map((it) => it.split(';')[0] ?? ''))
    return reply
  }

  async #send(probe: Probe, headers: SentHeaders): Promise<Heard> {
    if (probe.grpc === true) return this.#call(headers.host)
    if (probe.tls !== undefined) return this.#askTls(probe, headers)
    const { path = '/', method = 'GET', body, chunked } = probe
    const { promise: time, resolve } = Promise.withResolvers<void>()
    if (chunked === 'whole') resolve()
    const sent = chunked === undefined ? body : inChunks(time)
    const reply = await ask(this.#it.http, { path, method, headers, ...(sent === undefined ? {} : { body: sent }) })
    resolve()
    return reply
  }

  async #askTls({ tls, path = '/', method = 'GET' }: Probe, headers: SentHeaders): Promise<Heard> {
    const { as, ...options } = tls === undefined || tls === true ? {} : tls
    const client = as === undefined ? {} : this.#world.clients[as]
    const port = Number(new URL(this.#it.https).port)
    const sent = requestTls({
      host: '127.0.0.1', port, servername: headers.host, path, method, headers,
      rejectUnauthorized: false, agent: false, ...options, ...client,
    }).end()
    const [answer] = await once(sent, 'response') as [IncomingMessage]
    const { name: cipher } = (answer.socket as TLSSocket).getCipher()
    let text = ''
    for await (const part of answer) text += String(part)
    return { status: answer.statusCode ?? 0, headers: answer.headers, text, cipher }
  }

  /** A call of gRPC: its trailers are among the headers. */
  async #call(host: string): Promise<Heard> {
    const client = connect(this.#it.https, { rejectUnauthorized: false, servername: host })
    const stream = client.request({ ':method': 'POST', ':path': '/demo.Echo/Say', ':authority': host, 'content-type': 'application/grpc', te: 'trailers' })
    let trailers: IncomingHttpHeaders = {}
    stream.on('trailers', (it) => { trailers = it })
    const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>
    const closed = once(stream, 'close')
    stream.resume().end()
    const [{ ':status': status, ...headers }] = await answered
    await closed
    client.close()
    return { status: Number(status), headers: { ...headers, ...trailers }, text: '' }
  }

  async #checkMany(probe: Probe, times: number): Promise<void> {
    const replies: Heard[] = []
    const one = async (): Promise<void> => { replies.push(await this.#ask(probe)) }
    if (probe.atOnce === true) await Promise.all(Array.from({ length: times }, one))
    else for (let i = 0; i < times; i += 1) await one()
    const statuses = [...new Set(replies.map(({ status }) => status))].sort((a, b) => a - b)
    assert.deepEqual(statuses, probe.statuses ?? [200])
    if (probe.backends !== undefined) assertDifferent(replies.map(({ text }) => seenIn(text)['by']), probe.backends)
    if (probe.cookies !== undefined) assertDifferent(replies.map(({ headers }) => headers['set-cookie']?.toString()), probe.cookies)
  }

  /** It waits for what has come, not for a time. */
  async #checkSlow({ path = '/' }: Probe, bytes: number): Promise<void> {
    const dispatcher = new Agent()
    const headers = { host: `${this.#name}.example` }
    const { body, statusCode } = await request(`${this.#it.http}${path}`, { headers, dispatcher })
    assert.equal(statusCode, 200)
    let received = 0
    body.on('data', (chunk: Buffer) => { received += chunk.length })
    const ended = once(body, 'end').then(() => assert.fail('it has come as a whole'))
    const meanwhile = async (): Promise<void> => {
      await until(`${bytes} bytes come`, () => received >= bytes)
      await ask(this.#it.http, { path, host: 'near.example' })
    }
    await Promise.race([meanwhile(), ended])
    await dispatcher.destroy()
    await assert.rejects(ended)
  }

  /** While a request to this host is under way, of which nothing comes before the probe has been answered. */
  async #checkWhile(host: string, probe: Probe): Promise<void> {
    const connection = new Agent()
    const other = ask(this.#it.http, { path: '/?silent', host, dispatcher: connection })
    await until('the other request is under way', () => this.#world.waiting.has(host))
    const first = other.then(() => assert.fail(`the request to ${host} was answered first`))
    await Promise.race([this.check(probe), first])
    await connection.destroy()
    await assert.rejects(other)
  }

  async #checkCopy(copied: NonNullable<Probe['copied']>): Promise<void> {
    const copy = await until('the copy', () => this.#world.copies.get(`/${this.#name}`))
    for (const [name, expected] of Object.entries(copied)) compare(name, copy[name]?.toString(), expected)
  }

  #log(): string {
    return readFileSync(join(this.#it.plane.folder, 'access.log'), 'utf8')
  }

  /** By the same request again: its line is there, or never comes, once NGINX has closed its connection. */
  async #checkLog({ path = '/', logged }: Probe): Promise<void> {
    await statusAtEnd(this.#it.http, { host: `${this.#name}.example`, path })
    assert.equal(this.#log().includes(`[${this.#name}-`), logged)
  }
}
