/**
 * A small client of the apiserver: JSON over HTTPS, generic over kinds by discovery. Objects are plain
 * JSON; the types of @kubernetes/client-node fit them, except that times are texts.
 */

import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'

export interface Metadata {
  name?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  deletionTimestamp?: string | Date
  deletionGracePeriodSeconds?: number
}

export interface KubernetesObject {
  apiVersion?: string
  kind?: string
  metadata?: Metadata
}

/** Names one kind, `apps/v1/Deployment` or `v1/Pod`. */
export type KindName = string

export interface ObjectName {
  readonly namespace?: string
  readonly name: string
}

export interface ListScope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/** An answer of the apiserver that is not 2xx. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string

  constructor(call: string, status: number, body: string) {
    const parsed = parseStatus(body)
    super(`${call}: ${status} ${parsed.message}`)
    this.status = status
    this.reason = parsed.reason
  }
}

function parseStatus(body: string): { message: string, reason: string } {
  try {
    const status = JSON.parse(body) as { message?: string, reason?: string }
    return { message: status.message ?? body, reason: status.reason ?? '' }
  } catch {
    return { message: body, reason: '' }
  }
}

/** How to reach the apiserver and as whom: a client certificate, or a token. */
export interface Credentials {
  readonly url: string
  readonly ca: string
  readonly certificate?: string
  readonly key?: string
  readonly token?: string
}

interface Where {
  readonly namespace?: string | undefined
  readonly name?: string
}

interface Resource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

const FIELD_MANAGER = 'lab'
/** Thousands of calls at once wait for their turn here, not in the apiserver. */
const MOST_CONNECTIONS = 64
/** Idle connections end here first: the apiserver ends them after 90 s, maybe just when a call is on its way. */
const IDLE_MS = 30_000

export class Client {
  readonly #credentials: Credentials
  readonly #agent: Agent
  readonly #resources = new Map<string, readonly Resource[]>()

  constructor(credentials: Credentials) {
    this.#credentials = credentials
    this.#agent = new Agent({
      keepAlive: true,
      timeout: IDLE_MS,
      maxSockets: MOST_CONNECTIONS,
      ca: credentials.ca,
      ...credentials.certificate === undefined ? {} : { cert: credentials.certificate },
      ...credentials.key === undefined ? {} : { key: credentials.key },
    })
  }

  async get<T extends KubernetesObject>(kind: KindName, name: ObjectName): Promise<T> {
    return await this.call('GET', await this.path(kind, name)) as T
  }

  /** The object, or undefined when there is none. */
  async find<T extends KubernetesObject>(kind: KindName, name: ObjectName): Promise<T | undefined> {
    return await this.get<T>(kind, name).catch(ignoreNotFound)
  }

  async list<T extends KubernetesObject>(kind: KindName, scope: ListScope = {}): Promise<T[]> {
    const { items } = await this.listWithVersion<T>(kind, scope)
    return items
  }

  /** Like `list`, with the resource version from which a watch goes on. */
  async listWithVersion<T extends KubernetesObject>(
    kind: KindName, scope: ListScope = {},
  ): Promise<{ items: T[], resourceVersion: string }> {
    const path = await this.path(kind, scope)
    const list = await this.call('GET', `${path}?${selectors(scope)}`) as {
      items: T[], metadata: { resourceVersion: string }
    }
    return { items: list.items, resourceVersion: list.metadata.resourceVersion }
  }

  async create<T extends KubernetesObject>(object: T, subresource = ''): Promise<T> {
    const path = await this.path(kindOf(object), { namespace: object.metadata?.namespace })
    const name = subresource === '' ? '' : `/${object.metadata?.name ?? ''}/${subresource}`
    return await this.call('POST', path + name, object) as T
  }

  async replace<T extends KubernetesObject>(object: T): Promise<T> {
    return await this.call('PUT', await this.path(kindOf(object), nameOf(object)), object) as T
  }

  /** A merge patch (RFC 7386); `subresource` is for example `status` or `scale`. */
  async patch<T extends KubernetesObject>(
    kind: KindName, name: ObjectName, patch: object, subresource = '',
  ): Promise<T> {
    const path = await this.path(kind, name) + (subresource === '' ? '' : `/${subresource}`)
    return await this.call('PATCH', path, patch, 'application/merge-patch+json') as T
  }

  /** Server-side apply; takes over fields that others own. */
  async apply<T extends KubernetesObject>(object: T): Promise<T> {
    const path = await this.path(kindOf(object), nameOf(object))
    const query = `?fieldManager=${FIELD_MANAGER}&force=true`
    return await this.call('PATCH', path + query, object, 'application/apply-patch+yaml') as T
  }

  /** Deletes, and does nothing when there is no such object. */
  async delete(kind: KindName, name: ObjectName, options: object = {}): Promise<void> {
    await this.call('DELETE', await this.path(kind, name), options).catch(ignoreNotFound)
  }

  /**
   * The changes of a kind as they come. Ends when the apiserver ends the stream or `signal` aborts;
   * throws ApiError or a connection error: the caller lists again.
   */
  async * watch<T extends KubernetesObject>(
    kind: KindName, scope: ListScope & { readonly resourceVersion?: string }, signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const query = `watch=true&resourceVersion=${scope.resourceVersion ?? '0'}&${selectors(scope)}`
    const response = await this.#send('GET', `${await this.path(kind, scope)}?${query}`, { signal })
    if (response.statusCode !== 200) {
      throw new ApiError(`watch ${kind}`, response.statusCode ?? 0, await readAll(response))
    }
    for await (const line of linesOf(response)) yield JSON.parse(line) as WatchEvent<T>
  }

  /** Any call; returns the parsed JSON answer, or the text when it is not JSON. */
  async call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<unknown> {
    const response = await this.#send(method, path, {
      ...body === undefined ? {} : { body: JSON.stringify(body) }, type,
    })
    const text = await readAll(response)
    const status = response.statusCode ?? 0
    if (status < 200 || status > 299) throw new ApiError(`${method} ${path}`, status, text)
    return response.headers['content-type']?.startsWith('application/json') === true ? JSON.parse(text) : text
  }

  /** The path of a kind's collection, or of one object of it. */
  async path(kind: KindName, where: Where): Promise<string> {
    const { groupVersion, kind: short } = splitKind(kind)
    const resource = await this.#resource(groupVersion, short)
    const base = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`
    const namespace = resource.namespaced && where.namespace !== undefined ? `/namespaces/${where.namespace}` : ''
    return `${base}${namespace}/${resource.name}${where.name === undefined ? '' : `/${where.name}`}`
  }

  close(): void {
    this.#agent.destroy()
  }

  async #resource(groupVersion: string, kind: string): Promise<Resource> {
    const known = this.#resources.get(groupVersion)?.find((resource) => resource.kind === kind)
    if (known !== undefined) return known
    const base = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`
    const { resources } = await this.call('GET', base) as { resources: Resource[] }
    this.#resources.set(groupVersion, resources.filter((resource) => !resource.name.includes('/')))
    const found = this.#resources.get(groupVersion)?.find((resource) => resource.kind === kind)
    if (found === undefined) throw new Error(`the apiserver knows no ${groupVersion}/${kind}`)
    return found
  }

  async #send(
    method: string, path: string,
    options: { readonly body?: string, readonly type?: string, readonly signal?: AbortSignal | undefined },
  ): Promise<IncomingMessage> {
    const { body, type = 'application/json', signal } = options
    return await new Promise((resolve, reject) => {
      const request = httpsRequest(this.#credentials.url + path, {
        method,
        agent: this.#agent,
        headers: {
          accept: 'application/json',
          ...this.#credentials.token === undefined ? {} : { authorization: `Bearer ${this.#credentials.token}` },
          ...body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) },
        },
        ...signal === undefined ? {} : { signal },
      }, resolve)
      request.once('error', reject)
      request.end(body)
    })
  }
}

/** `apiVersion/kind` of an object. */
export function kindOf(object: KubernetesObject): KindName {
  return `${object.apiVersion ?? ''}/${object.kind ?? ''}`
}

export function nameOf(object: KubernetesObject): ObjectName {
  const { name = '', namespace } = object.metadata ?? {}
  return namespace === undefined ? { name } : { name, namespace }
}

/** For `catch`: a missing object is undefined, anything else is thrown on. */
function ignoreNotFound(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined
  throw error
}

function splitKind(kind: KindName): { groupVersion: string, kind: string } {
  const at = kind.lastIndexOf('/')
  return { groupVersion: kind.slice(0, at), kind: kind.slice(at + 1) }
}

function selectors(scope: ListScope): string {
  const query = new URLSearchParams()
  if (scope.labelSelector !== undefined) query.set('labelSelector', scope.labelSelector)
  if (scope.fieldSelector !== undefined) query.set('fieldSelector', scope.fieldSelector)
  return query.toString()
}

async function * linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield * lines
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
