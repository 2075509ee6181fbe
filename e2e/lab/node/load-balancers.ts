/**
 * The lab's cloud: a Service of type LoadBalancer gets an address, and what is sent there goes to its
 * ready pods. Ports are not mapped: a Service's port must be the pod's.
 */

import type { V1Endpoint, V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import type { Client } from '../client.ts'
import { progress } from '../command.ts'
import { Follower } from '../follower.ts'
import { loadBalancerAddress, type Network, type PodNetwork } from '../network.ts'
import { sleep } from '../wait.ts'

const RETRY_MS = 200

export interface LoadBalancersOptions {
  readonly client: Client
  readonly network: Network
  /** The network of a pod that runs here. */
  readonly podNetwork: (namespace: string, pod: string) => PodNetwork | undefined
}

export class LoadBalancers {
  readonly #options: LoadBalancersOptions
  readonly #services: Follower<V1Service & object>
  readonly #slices: Follower<V1EndpointSlice & object>
  /** By namespace/name of the Service. */
  readonly #addresses = new Map<string, string>()
  /** By address: where its packets go now. */
  readonly #routes = new Map<string, string>()
  #reconciling: Promise<void> | undefined
  #dirty = false
  #stopped = false

  constructor(options: LoadBalancersOptions) {
    const { client } = options
    const changed = (): void => { this.#changed() }
    this.#options = options
    this.#services = new Follower({ client, kind: 'v1/Service', changed })
    this.#slices = new Follower({ client, kind: 'discovery.k8s.io/v1/EndpointSlice', changed })
  }

  async start(): Promise<void> {
    await this.#services.start()
    await this.#slices.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#services.stop()
    await this.#slices.stop()
    await this.#reconciling
  }

  #changed(): void {
    this.#dirty = true
    this.#reconciling ??= this.#reconcile().finally(() => { this.#reconciling = undefined })
  }

  async #reconcile(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false
      try {
        const services = this.#services.objects.filter(({ spec }) => spec?.type === 'LoadBalancer')
        for (const service of services) await this.#serve(service)
      } catch (error) {
        if (this.#stopped) return
        progress(`load balancers: ${String(error)}`)
        this.#dirty = true
        await sleep(RETRY_MS)
      }
    }
  }

  async #serve(service: V1Service): Promise<void> {
    const { client, network } = this.#options
    const { name = '', namespace = '' } = service.metadata ?? {}
    const address = this.#address(`${namespace}/${name}`)
    const pods = this.#readyPods(namespace, name)
    const route = pods.map((pod) => pod.address).sort().join()
    if (this.#routes.get(address) !== route) {
      await network.balance(address, pods)
      this.#routes.set(address, route)
    }
    if (service.status?.loadBalancer?.ingress?.[0]?.ip === address) return
    const status = { loadBalancer: { ingress: [{ ip: address }] } }
    await client.patch('v1/Service', { namespace, name }, { status }, 'status')
  }

  #address(key: string): string {
    const known = this.#addresses.get(key) ?? loadBalancerAddress(this.#addresses.size)
    this.#addresses.set(key, known)
    return known
  }

  #readyPods(namespace: string, service: string): PodNetwork[] {
    return this.#slices.objects
      .filter(({ metadata }) => metadata?.namespace === namespace &&
        metadata.labels?.['kubernetes.io/service-name'] === service)
      .flatMap((slice) => slice.endpoints ?? []).filter(isReady)
      .flatMap(({ targetRef }) => this.#options.podNetwork(namespace, targetRef?.name ?? '') ?? [])
  }
}

function isReady({ conditions }: V1Endpoint): boolean {
  return conditions?.ready !== false
}
