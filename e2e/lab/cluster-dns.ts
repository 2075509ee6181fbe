/**
 * What CoreDNS is to a cluster: the names of Services, as the apiserver has them (Kubernetes DNS-Based Service
 * Discovery). `extra` has names of the world outside.
 */

import { writeFile } from 'node:fs/promises'
import type { V1EndpointSlice, V1PodSpec, V1Service } from '@kubernetes/client-node'
import { DnsServer, type Says } from '../../sidecar/testing/dns-server.ts'
import type { Client } from './client.ts'
import { OUTSIDE_ADDRESS } from './network.ts'
import type { Mount } from './node/images.ts'

const SUFFIX = '.svc.cluster.local'
/** As CoreDNS has it by default. */
const TTL_SECONDS = 5
const RESOLVER_FILE = '/run/resty-ingress-lab/resolv.conf'

export class ClusterDns {
  readonly extra = new Map<string, Says>()
  readonly #client: Client
  #server: DnsServer | undefined

  private constructor(client: Client) {
    this.#client = client
  }

  /** Answers by UDP, and makes the file that tells containers so. */
  static async start(client: Client): Promise<ClusterDns> {
    const dns = new ClusterDns(client)
    dns.#server = await DnsServer.start((name) => dns.#answer(name), OUTSIDE_ADDRESS, 53)
    const search = 'search svc.cluster.local cluster.local\noptions ndots:5\n'
    await writeFile(RESOLVER_FILE, `nameserver ${OUTSIDE_ADDRESS}\n${search}`)
    return dns
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }

  /** What was asked, each as `name type`. */
  get asked(): readonly string[] {
    return this.#server?.asked ?? []
  }

  async #answer(name: string): Promise<Says | undefined> {
    if (!name.endsWith(SUFFIX)) return this.extra.get(name)
    const [service = '', namespace = '', ...more] = name.slice(0, -SUFFIX.length).split('.')
    if (more.length > 0) return undefined
    const found = await this.#client.find<V1Service & object>('v1/Service', { namespace, name: service })
    if (found === undefined) return undefined
    const isHeadless = found.spec?.clusterIP === 'None'
    const addresses = isHeadless ? await this.#readyPods(namespace, service) : found.spec?.clusterIPs ?? []
    return { addresses, ttl: TTL_SECONDS }
  }

  async #readyPods(namespace: string, service: string): Promise<string[]> {
    const labelSelector = `kubernetes.io/service-name=${service}`
    const slices = await this.#client.list<V1EndpointSlice & object>('discovery.k8s.io/v1/EndpointSlice', { namespace, labelSelector })
    return slices.flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses)
  }
}

/** What a container's /etc/resolv.conf is, where its pod has the cluster's DNS. */
export function resolverMounts({ dnsPolicy = 'ClusterFirst', hostNetwork = false }: V1PodSpec): Mount[] {
  const isOfCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  return isOfCluster ? [{ source: RESOLVER_FILE, target: '/etc/resolv.conf', readOnly: true }] : []
}
