/**
 * An API server for tests, over real HTTP: paged lists, watches with bookmarks, merge patches with
 * preconditions; and every fault that a real one and the network in between can show, on demand.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { parseLabelSelector, selects } from '../../ir/label-selector.ts'
import { texts } from '../../util/field.ts'
import { FakeStore } from './fake-store.ts'
import type { FakeObject } from './fake-store.ts'
import { FakeWatches } from './fake-watches.ts'
import { applyPatch, createObject, replaceObject, statusBody } from './fake-writes.ts'
import type { Target, WriteAnswer } from './fake-writes.ts'

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** Instead of an answer. `reset`: the connection is cut. */
export type Fault =
  | { readonly status: number; readonly retryAfter?: number; readonly reason?: string }
  | 'reset'
  | 'garbage'

export class FakeApiServer {
  readonly store = new FakeStore()
  readonly watches: FakeWatches
  readonly requests: FakeRequest[] = []
  /** Lists from their first page on; continued pages do not count. */
  lists = 0
  /** How often a resource version or continue token was too old. */
  gone = 0
  /** Whether a resume from before the compaction is refused by HTTP status or by an ERROR frame. */
  goneAs: 'status' | 'frame' = 'status'
  readonly #faults: { readonly on: (request: FakeRequest) => boolean; readonly fault: Fault }[] = []
  readonly #snapshots = new Map<string, { readonly revision: number; readonly rest: FakeObject[] }>()
  readonly #server: Server
  readonly #host: string
  #port = 0

  private constructor(host: string) {
    this.#host = host
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.watches = new FakeWatches(this.store)
  }

  static async start(host = '127.0.0.1'): Promise<FakeApiServer> {
    const server = new FakeApiServer(host)
    await server.listen()
    return server
  }

  /** Also after `shutDown`, on the same port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, this.#host, resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Cuts every connection and accepts no more. */
  async shutDown(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  get url(): string {
    return `http://${this.#host}:${this.#port}`
  }

  kubeConfig(): KubeConfig {
    const config = new KubeConfig()
    config.loadFromClusterAndUser({ name: 'fake', server: this.url, skipTLSVerify: true }, { name: 'nobody' })
    return config
  }

  /** The next request that matches meets the fault; faults apply in the order in which they were given. */
  failNext(fault: Fault, on: (request: FakeRequest) => boolean = () => true): void {
    this.#faults.push({ on, fault })
  }

  clearFaults(): void {
    this.#faults.length = 0
  }

  /** Every continue token handed out so far becomes 410. */
  expireContinueTokens(): void {
    this.#snapshots.clear()
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming)
    this.requests.push(request)
    const index = this.#faults.findIndex(({ on }) => on(request))
    const [failing] = index < 0 ? [] : this.#faults.splice(index, 1)
    if (failing !== undefined) return fail(response, failing.fault)
    if (request.path === '/livez') return void response.end('ok')
    const target = targetOf(request.path)
    if (request.method !== 'GET') return send(response, this.#write(request, target))
    if (request.query.get('watch') === 'true') return this.#watch(request, target, response)
    if (target.name !== '') return send(response, this.#get(target))
    return this.#list(request, target, response)
  }

  #get(target: Target): WriteAnswer {
    const object = this.store.get(target.collection, target)
    return object === undefined ? { status: 404, body: statusBody(404, 'NotFound') } : { status: 200, body: object }
  }

  #write(request: FakeRequest, target: Target): WriteAnswer {
    if (request.method === 'POST') return createObject(this.store, target, request.body)
    return (request.method === 'PUT' ? replaceObject : applyPatch)(this.store, target, request.body)
  }

  #list(request: FakeRequest, target: Target, response: ServerResponse): void {
    const token = request.query.get('continue')
    const snapshot = token === null ? this.#freshSnapshot(request, target) : this.#snapshots.get(token)
    if (snapshot === undefined) {
      this.gone++
      const body = { ...statusBody(410, 'Expired'), metadata: { continue: 'inconsistent' } }
      return send(response, { status: 410, body })
    }
    const limit = Number(request.query.get('limit') ?? 0)
    const items = limit === 0 ? snapshot.rest : snapshot.rest.slice(0, limit)
    const rest = snapshot.rest.slice(items.length)
    const next = rest.length === 0 ? '' : `token-${this.requests.length}`
    if (next !== '') this.#snapshots.set(next, { revision: snapshot.revision, rest })
    const metadata = { resourceVersion: String(snapshot.revision), ...(next === '' ? {} : { continue: next }) }
    // Items of a real list carry neither apiVersion nor kind.
    const bare = items.map(({ apiVersion: _, kind: __, ...item }) => item)
    send(response, { status: 200, body: { kind: 'List', apiVersion: 'v1', metadata, items: bare } })
  }

  #freshSnapshot(request: FakeRequest, target: Target): { revision: number; rest: FakeObject[] } {
    this.lists++
    const matches = selector(request, target)
    return { revision: this.store.revision, rest: this.store.list(target.collection).filter(matches) }
  }

  #watch(request: FakeRequest, target: Target, response: ServerResponse): void {
    const from = Number(request.query.get('resourceVersion'))
    const expired = from < this.store.compacted
    if (expired) this.gone++
    if (expired && this.goneAs === 'status') return send(response, { status: 410, body: statusBody(410, 'Expired') })
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (expired) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: statusBody(410, 'Expired') })}\n`)
      return
    }
    this.watches.open(response, { collection: target.collection, matches: selector(request, target), from })
  }
}

/** `/apis/G/V[/namespaces/NS]/PLURAL[/NAME[/SUB]]` and the same below `/api/v1`. */
function targetOf(path: string): Target {
  const parts = path.split('/').filter((part) => part !== '').map(decodeURIComponent)
  const root = parts.splice(0, parts[0] === 'api' ? 2 : 3)
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? (parts.splice(0, 2)[1] ?? '') : ''
  const [plural = '', name = '', subresource = ''] = parts
  return { collection: `/${[...root, plural].join('/')}`, namespace, name, subresource }
}

function selector(request: FakeRequest, { namespace }: Target): (object: FakeObject) => boolean {
  const name = /^metadata\.name=(.+)$/.exec(request.query.get('fieldSelector') ?? '')?.[1]
  const labels = parseLabelSelector(request.query.get('labelSelector') ?? '')
  if (!labels.ok) throw new Error(labels.message)
  return ({ metadata }) =>
    (namespace === '' || metadata.namespace === namespace) &&
    (name === undefined || metadata.name === name) &&
    selects(labels.selector, texts(metadata['labels']))
}

function fail(response: ServerResponse, fault: Fault): void {
  if (fault === 'reset') {
    response.destroy()
  } else if (fault === 'garbage') {
    response.end('{"items": [')
  } else {
    if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter)
    send(response, { status: fault.status, body: statusBody(fault.status, fault.reason ?? 'Fault') })
  }
}

function send(response: ServerResponse, { status, body }: WriteAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

async function readRequest(incoming: IncomingMessage): Promise<FakeRequest> {
  const url = new URL(incoming.url ?? '/', 'http://fake')
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
