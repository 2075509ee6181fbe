/**
 * What CoreDNS is to a cluster: the names of Services, as the apiserver has them (Kubernetes DNS-Based Service
 * Discovery). `extra` has names of the world outside.
 */

import type { V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import { DnsServer, type Says } from '../../sidecar/testing/dns-server.ts'
import type { Client } from './client.ts'
import { Follower } from './follower.ts'

const SUFFIX = '.svc.cluster.local'
/** As CoreDNS has it by default. */
const TTL_SECONDS = 5

export class ClusterDns {
  readonly extra = new Map<string, Says>()
  readonly #services: Follower<V1Service & object>
  readonly #slices: Follower<V1EndpointSlice & object>
  #server: DnsServer | undefined

  private constructor(client: Client) {
    this.#services = new Follower({ client, kind: 'v1/Service' })
    this.#slices = new Follower({ client, kind: 'discovery.k8s.io/v1/EndpointSlice' })
  }

  /** Answers on UDP port 53 of this address. */
  static async start(client: Client, address: string): Promise<ClusterDns> {
    const dns = new ClusterDns(client)
    await dns.#services.start()
    await dns.#slices.start()
    dns.#server = await DnsServer.start((name) => dns.#answer(name), address, 53)
    return dns
  }

  async stop(): Promise<void> {
    await this.#server?.close()
    await this.#services.stop()
    await this.#slices.stop()
  }

  /** What was asked, each as `name type`. */
  get asked(): readonly string[] {
    return this.#server?.asked ?? []
  }

  #answer(name: string): Says | undefined {
    if (!name.endsWith(SUFFIX)) return this.extra.get(name)
    const [service, namespace, ...more] = name.slice(0, -SUFFIX.length).split('.')
    const found = more.length > 0 ? undefined : this.#services.objects.find(({ metadata }) =>
      metadata?.name === service && metadata?.namespace === namespace)
    if (found === undefined) return undefined
    const isHeadless = found.spec?.clusterIP === 'None'
    return { addresses: isHeadless ? this.#readyPods(found) : found.spec?.clusterIPs ?? [], ttl: TTL_SECONDS }
  }

  #readyPods({ metadata }: V1Service): string[] {
    return this.#slices.objects
      .filter((slice) => slice.metadata?.namespace === metadata?.namespace &&
        slice.metadata?.labels?.['kubernetes.io/service-name'] === metadata?.name)
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses)
  }
}
