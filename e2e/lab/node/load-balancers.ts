/**
 * The lab's cloud: a Service of type LoadBalancer gets an address, and what is sent there goes to its
 * ready pods. Ports are not mapped: a Service's port must be the pod's.
 */

import type { V1Endpoint, V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import type { Client } from '../client.ts'
import { progress } from '../command.ts'
import { loadBalancerAddress, type Network, type PodNetwork } from '../network.ts'
import { sleep } from '../wait.ts'

const RELIST_MS = 200

export interface LoadBalancersOptions {
  readonly client: Client
  readonly network: Network
  /** The network of a pod that runs here. */
  readonly podNetwork: (namespace: string, pod: string) => PodNetwork | undefined
}

export class LoadBalancers {
  readonly #options: LoadBalancersOptions
  readonly #addresses = new Map<string, string>()
  readonly #stopped = new AbortController()
  #following: Promise<unknown> = Promise.resolve()
  #reconciling: Promise<void> | undefined
  #dirty = false

  constructor(options: LoadBalancersOptions) {
    this.#options = options
  }

  start(): void {
    this.#following = Promise.all(['v1/Service', 'discovery.k8s.io/v1/EndpointSlice'].map(kind => this.#follow(kind)))
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#following
    await this.#reconciling
  }

  async #follow(kind: string): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      // When the apiserver is away, routes stay as they are until it is back.
      await this.#listAndWatch(kind).catch(() => {})
      await sleep(RELIST_MS)
    }
  }

  async #listAndWatch(kind: string): Promise<void> {
    const { client } = this.#options
    const { resourceVersion } = await client.listWithVersion(kind)
    this.#changed()
    for await (const { type } of client.watch(kind, { resourceVersion }, this.#stopped.signal)) {
      if (type === 'ERROR') return
      this.#changed()
    }
  }

  #changed(): void {
    this.#dirty = true
    this.#reconciling ??= this.#reconcile().finally(() => { this.#reconciling = undefined })
  }

  async #reconcile(): Promise<void> {
    while (this.#dirty && !this.#stopped.signal.aborted) {
      this.#dirty = false
      try {
        const services = await this.#options.client.list<V1Service & object>('v1/Service')
        for (const service of services.filter(({ spec }) => spec?.type === 'LoadBalancer')) await this.#serve(service)
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        progress(`load balancers: ${String(error)}`)
        this.#dirty = true
        await sleep(RELIST_MS)
      }
    }
  }

  async #serve(service: V1Service): Promise<void> {
    const { client, network } = this.#options
    const { name = '', namespace = '' } = service.metadata ?? {}
    const address = this.#address(`${namespace}/${name}`)
    await network.balance(address, await this.#readyPods(namespace, name))
    if (service.status?.loadBalancer?.ingress?.[0]?.ip === address) return
    const status = { loadBalancer: { ingress: [{ ip: address }] } }
    await client.patch('v1/Service', { namespace, name }, { status }, 'status')
  }

  #address(key: string): string {
    const known = this.#addresses.get(key) ?? loadBalancerAddress(this.#addresses.size)
    this.#addresses.set(key, known)
    return known
  }

  async #readyPods(namespace: string, service: string): Promise<PodNetwork[]> {
    const slices = await this.#options.client.list<V1EndpointSlice & object>('discovery.k8s.io/v1/EndpointSlice', {
      namespace, labelSelector: `kubernetes.io/service-name=${service}`,
    })
    return slices.flatMap(slice => slice.endpoints ?? []).filter(isReady).flatMap(({ targetRef }) => {
      const pod = this.#options.podNetwork(namespace, targetRef?.name ?? '')
      return pod === undefined ? [] : [pod]
    })
  }
}

function isReady({ conditions }: V1Endpoint): boolean {
  return conditions?.ready !== false
}
