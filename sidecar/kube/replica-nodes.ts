/**
 * The addresses of all nodes that run a replica of this controller. Pods are watched; nodes are read by name,
 * again and again: that needs less than the right to watch them all.
 */
import type { ObjectName } from '../ir/object-name.ts'
import { fields, text } from '../util/field.ts'
import { nodeAddresses } from './address.ts'
import type { Address } from './address.ts'
import { ApiError } from './errors.ts'
import { Reflector, newCounters } from './reflector.ts'
import type { ReflectorObserver, ReflectorTiming } from './reflector.ts'
import { isServing, replicaSelector } from './replicas.ts'
import { NODE, POD, asRawObject, collectionPath, objectPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiTransport } from './transport.ts'

export interface ReplicaNodesOptions {
  readonly transport: ApiTransport
  /** Our own pod: its replicas are those with the same labels. */
  readonly pod: ObjectName
  /** Report the InternalIP even where a node has an ExternalIP. */
  readonly internal: boolean
  /** Milliseconds between two looks at the nodes. */
  readonly interval: number
  readonly observer: ReflectorObserver
  /** Called with all addresses after each look; never with none, since pods that are not ready soon are. */
  readonly found: (addresses: readonly Address[]) => void
  readonly retry: RetryTiming
  readonly timing?: Partial<ReflectorTiming>
}

export class ReplicaNodes {
  readonly #options: ReplicaNodesOptions
  readonly #stop = new AbortController()
  /** Node of each pod that serves. */
  readonly #nodes = new Map<string, string>()
  #changed = false
  #wake = (): void => undefined

  constructor(options: ReplicaNodesOptions) {
    this.#options = options
  }

  /** Follows pods and nodes until `stop`; never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stop
    const reflector = await this.#follow().catch(() => undefined)
    while (!signal.aborted) {
      this.#changed = false
      await this.#look().catch(() => undefined)
      if (!this.#changed) await this.#rest()
    }
    await reflector?.stop()
  }

  stop(): void {
    this.#stop.abort()
  }

  async #follow(): Promise<Reflector<RawObject>> {
    const { transport, pod, observer, timing } = this.#options
    const own = await this.#retrying(() => this.#read(objectPath(POD, pod.namespace, pod.name)))
    const labelSelector = replicaSelector(own)
    const reflector = new Reflector<RawObject>({
      transport,
      path: collectionPath(POD, pod.namespace),
      ...(labelSelector === undefined ? { fieldSelector: `metadata.name=${pod.name}` } : { labelSelector }),
      keep: (raw) => raw,
      sink: {
        replace: (pods) => {
          this.#nodes.clear()
          for (const each of pods) this.#take(each)
        },
        set: (each) => this.#take(each),
        delete: ({ metadata }) => this.#set(metadata.name, ''),
      },
      observer,
      counters: newCounters(),
      ...(timing === undefined ? {} : { timing }),
    })
    reflector.start()
    return reflector
  }

  #take(pod: RawObject): void {
    this.#set(pod.metadata.name, isServing(pod) ? text(fields(pod['spec'])['nodeName']) : '')
  }

  #set(pod: string, node: string): void {
    if (node === '') this.#nodes.delete(pod)
    else this.#nodes.set(pod, node)
    this.#changed = true
    this.#wake()
  }

  async #look(): Promise<void> {
    const { internal, found } = this.#options
    const addresses: Address[] = []
    for (const name of new Set(this.#nodes.values())) {
      const node = await this.#retrying(() => this.#readNode(name))
      if (node !== undefined) addresses.push(...nodeAddresses(node, internal))
    }
    if (addresses.length > 0 && !this.#changed) found(addresses)
  }

  /** undefined: a node that went before its pod. */
  async #readNode(name: string): Promise<RawObject | undefined> {
    try {
      return await this.#read(objectPath(NODE, '', name))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  async #read(path: string): Promise<RawObject> {
    const answer = asRawObject(await this.#options.transport.json({ path, signal: this.#stop.signal }))
    this.#options.observer.healthy()
    return answer
  }

  #retrying<T>(task: () => Promise<T>): Promise<T> {
    const { observer, retry } = this.#options
    const failed = (error: Error): void => {
      if (!this.#stop.signal.aborted) observer.trouble(error, 'list')
    }
    return retrying(task, { timing: retry, signal: this.#stop.signal, failed })
  }

  /** Until the next look, or until a pod comes or goes. */
  async #rest(): Promise<void> {
    const { interval, retry } = this.#options
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await retry.wait(interval, AbortSignal.any([this.#stop.signal, woken.signal])).catch(() => undefined)
  }
}
