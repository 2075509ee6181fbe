/**
 * kube-proxy on every node, and the cloud: Services have addresses and ports that lead to their pods, and one
 * of type LoadBalancer gets an address outside. Like kube-proxy it chooses for each new connection, which
 * then stays.
 */

import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import type { Client } from '../client.ts'
import { progress } from '../command.ts'
import { Follower } from '../follower.ts'
import { loadBalancerAddress, nodeAddress, type Network } from '../network.ts'
import { sleep } from '../wait.ts'
import { isEntry, serviceForwards, type NodePlace, type ServiceState } from './service-forwards.ts'

const RETRY_MS = 200

export interface ServiceProxyOptions {
  readonly client: Client
  readonly network: Network
  /** Names, in their order. */
  readonly nodes: readonly string[]
  /** Leave out Services of type ClusterIP. */
  readonly outsideOnly: boolean
}

export class ServiceProxy {
  readonly #options: ServiceProxyOptions
  readonly #places: readonly NodePlace[]
  readonly #followers: readonly { start(): Promise<void>, stop(): Promise<void> }[]
  /** By namespace/name of the Service, as everything here. */
  readonly #services = new Map<string, V1Service>()
  readonly #slices = new Map<string, Map<string, V1EndpointSlice>>()
  readonly #addresses = new Map<string, string>()
  readonly #dirty = new Set<string>()
  #reconciling: Promise<void> | undefined
  #stopped = false

  constructor(options: ServiceProxyOptions) {
    this.#options = options
    this.#places = options.nodes.map((name, index) => ({ name, address: nodeAddress(index) }))
    const changed = (): void => { this.#changed() }
    const { client } = options
    this.#followers = [
      new Follower<V1Service & object>({
        client, kind: 'v1/Service', changed,
        seen: (service) => { this.#touch(keyOf(service), service) },
        removed: (service) => { this.#touch(keyOf(service), undefined) },
      }),
      new Follower<V1EndpointSlice & object>({
        client, kind: 'discovery.k8s.io/v1/EndpointSlice', changed,
        seen: (slice) => { this.#touchSlice(slice, true) },
        removed: (slice) => { this.#touchSlice(slice, false) },
      }),
    ]
  }

  async start(): Promise<void> {
    for (const follower of this.#followers) await follower.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const follower of this.#followers) await follower.stop()
    await this.#reconciling
  }

  #touch(key: string, service: V1Service | undefined): void {
    if (service === undefined) this.#services.delete(key)
    else this.#services.set(key, service)
    this.#dirty.add(key)
  }

  #touchSlice(slice: V1EndpointSlice, isThere: boolean): void {
    const { namespace, labels = {}, name = '' } = slice.metadata ?? {}
    const key = `${namespace}/${labels['kubernetes.io/service-name']}`
    const slices = this.#slices.get(key) ?? new Map<string, V1EndpointSlice>()
    if (isThere) slices.set(name, slice)
    else slices.delete(name)
    this.#slices.set(key, slices)
    this.#dirty.add(key)
  }

  #changed(): void {
    this.#reconciling ??= this.#reconcile().finally(() => { this.#reconciling = undefined })
  }

  async #reconcile(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#stopped) {
      const keys = [...this.#dirty]
      this.#dirty.clear()
      try {
        await this.#apply(keys)
      } catch (error) {
        if (this.#stopped) return
        progress(`services: ${String(error)}`)
        for (const key of keys) this.#dirty.add(key)
        await sleep(RETRY_MS)
      }
    }
  }

  async #apply(keys: readonly string[]): Promise<void> {
    const { network } = this.#options
    const states = keys.map((key) => [key, this.#state(key)] as const)
    for (const [index, place] of this.#places.entries()) {
      const forwards = states.map(([key, state]) =>
        [`service/${key}`, state === undefined ? [] : serviceForwards(state, place)] as const)
      await network.forward(index, new Map(forwards))
    }
    for (const [, state] of states) if (state?.loadBalancerAddress !== undefined) await this.#serve(state)
  }

  /** Undefined: nothing leads to this Service. */
  #state(key: string): ServiceState | undefined {
    const service = this.#services.get(key)
    const { type } = service?.spec ?? {}
    if (service === undefined || (this.#options.outsideOnly && type === 'ClusterIP')) return undefined
    const slices = [...this.#slices.get(key)?.values() ?? []]
    return { service, slices, loadBalancerAddress: type === 'LoadBalancer' ? this.#address(key) : undefined }
  }

  /** The cloud's part: the way to the address, and the address in the status. */
  async #serve(state: ServiceState): Promise<void> {
    const { client, network } = this.#options
    const address = state.loadBalancerAddress ?? ''
    const nodes = this.#places.flatMap((place, index) => isEntry(state, place) ? [index] : [])
    await network.route(address, nodes)
    const { metadata: { name = '', namespace = '' } = {}, status: present } = state.service
    if (present?.loadBalancer?.ingress?.[0]?.ip === address) return
    const status = { loadBalancer: { ingress: [{ ip: address }] } }
    await client.patch('v1/Service', { namespace, name }, { status }, 'status')
  }

  #address(key: string): string {
    const known = this.#addresses.get(key) ?? loadBalancerAddress(this.#addresses.size)
    this.#addresses.set(key, known)
    return known
  }
}

function keyOf({ metadata }: V1Service): string {
  return `${metadata?.namespace}/${metadata?.name}`
}
