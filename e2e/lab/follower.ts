/** A copy of all objects of a kind that follows the apiserver by list and watch, and outlives its absence. */

import type { Client, KindName, KubernetesObject, ListScope } from './client.ts'

export interface FollowerOptions<T> {
  readonly client: Client
  readonly kind: KindName
  readonly scope?: ListScope
  /** Called for each object that is new or has changed; after a list also for those that have not. */
  readonly seen?: (object: T) => void
  readonly removed?: (object: T) => void
  /** Called after each list and each event. */
  readonly changed?: () => void
}

const RELIST_MS = 100

export class Follower<T extends KubernetesObject> {
  readonly #options: FollowerOptions<T>
  /** By uid: an object that is made again under the same name is another one. */
  readonly #objects = new Map<string, T>()
  readonly #stopped = new AbortController()
  #following: Promise<void> = Promise.resolve()

  constructor(options: FollowerOptions<T>) {
    this.#options = options
  }

  get objects(): readonly T[] {
    return [...this.#objects.values()]
  }

  /** Returns when everything has been listed once. */
  async start(): Promise<void> {
    const version = await this.#list()
    this.#following = this.#follow(version)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#following
  }

  async #follow(first: string): Promise<void> {
    let version: string | undefined = first
    while (!this.#stopped.signal.aborted) {
      // A watch that breaks or is too old ends in a new list, as does an apiserver that is away.
      if (version !== undefined) await this.#watch(version).catch(() => {})
      if (this.#stopped.signal.aborted) return
      // What nobody has stopped must not keep the process of a failed test alive.
      await new Promise((resolve) => { setTimeout(resolve, RELIST_MS).unref() })
      version = await this.#list().catch(() => undefined)
    }
  }

  async #list(): Promise<string> {
    const { client, kind, scope } = this.#options
    const { items, resourceVersion } = await client.listWithVersion<T>(kind, scope)
    const listed = new Set(items.map(uidOf))
    for (const object of this.objects) if (!listed.has(uidOf(object))) this.#remove(object)
    for (const object of items) this.#see(object)
    this.#options.changed?.()
    return resourceVersion
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { client, kind, scope } = this.#options
    for await (const { type, object } of client.watch<T>(kind, { ...scope, resourceVersion }, this.#stopped.signal)) {
      if (type === 'ERROR') return
      if (type === 'DELETED') this.#remove(object)
      else this.#see(object)
      this.#options.changed?.()
    }
  }

  #see(object: T): void {
    this.#objects.set(uidOf(object), object)
    this.#options.seen?.(object)
  }

  #remove(object: T): void {
    this.#objects.delete(uidOf(object))
    this.#options.removed?.(object)
  }
}

function uidOf(object: KubernetesObject): string {
  return object.metadata?.uid ?? ''
}
