/**
 * A load balancer of connections, as kube-proxy and clouds have it: a new connection goes to a ready pod, and
 * stays with it however the set changes. (The lab's own balancer routes packets, so it breaks connections.)
 */

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1EndpointSlice } from '@kubernetes/client-node'
import { Follower } from '../lab/follower.ts'
import type { Lab } from '../lab/lab.ts'
import { reset } from '../lab/reset.ts'

const PORT = 80

export interface BalancerOptions {
  readonly lab: Lab
  readonly namespace: string
  readonly service: string
  /** How much later than the EndpointSlices it knows of a change. */
  readonly lagMs: number
}

export class ConnectionBalancer {
  readonly #options: BalancerOptions
  readonly #slices: Follower<V1EndpointSlice & object>
  readonly #server: Server
  #addresses: readonly string[] = []
  #turn = 0

  private constructor(options: BalancerOptions) {
    this.#options = options
    const { lab, namespace } = options
    this.#slices = new Follower({
      client: lab.client, kind: 'discovery.k8s.io/v1/EndpointSlice', scope: { namespace },
      changed: () => { void this.#learn() },
    })
    // An end that only stops to send must still get its answer.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => { this.#forward(socket) })
  }

  static async start(options: BalancerOptions): Promise<ConnectionBalancer> {
    const balancer = new ConnectionBalancer(options)
    await balancer.#slices.start()
    balancer.#addresses = balancer.#readyAddresses()
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  /** For a client: where connections go. */
  get endpoint(): { readonly address: string, readonly port: number } {
    return { address: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  async close(): Promise<void> {
    this.#server.close()
    await this.#slices.stop()
  }

  async #learn(): Promise<void> {
    const addresses = this.#readyAddresses()
    await sleep(this.#options.lagMs, undefined, { ref: false })
    this.#addresses = addresses
  }

  #readyAddresses(): readonly string[] {
    return this.#slices.objects
      .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === this.#options.service)
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true)
      .flatMap(({ addresses }) => addresses)
  }

  #forward(client: Socket): void {
    const address = this.#addresses[this.#turn++ % this.#addresses.length] ?? ''
    const pod = connect({ host: address, port: PORT, allowHalfOpen: true })
    for (const [from, to] of [[client, pod], [pod, client]] as const) {
      from.setNoDelay(true)
      from.pipe(to)
      // What ends abruptly on one side does so on the other.
      from.on('error', () => { reset(to) })
    }
  }
}
