/**
 * A load balancer outside of the cluster, of the kind that knows addresses and a health check and nothing of
 * Kubernetes: a new connection goes to a healthy target in turn, and stays with it.
 */

import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { withPatience } from '../../lab/wait.ts'
import { reset } from '../../lab/reset.ts'

export interface BalancerTarget {
  readonly address: string
  /** Of HTTP, and of the health check. */
  readonly port: number
  readonly healthPort: number
}

/** `leaving` answers the check with an error, or refuses it: what it has under way goes on. */
type Health = 'healthy' | 'leaving' | 'silent'

const CHECK_PATH = '/readyz'
const INTERVAL_MS = 200
/** Well within the grace period, since a target is used until the check has ended. */
const TIMEOUT_MS = 1000
/** Checks in a row that get no answer until a target counts as gone: for five seconds it may just stand still. */
const SILENT_CHECKS = 5

class Target {
  readonly place: BalancerTarget
  readonly connections = new Set<Socket>()
  /** Ports of the clients that were ever led here. */
  readonly clientPorts = new Set<number>()
  health: Health = 'leaving'

  constructor(place: BalancerTarget) {
    this.place = place
  }
}

export class ExternalBalancer {
  readonly #targets: readonly Target[]
  readonly #server: Server
  readonly #closed = new AbortController()
  #turn = 0

  private constructor(places: readonly BalancerTarget[]) {
    this.#targets = places.map((place) => new Target(place))
    // An end that only stops to send must still get its answer.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => { this.#forward(socket) })
  }

  /** Listens when it resolves; targets are used once a check has succeeded. */
  static async start(places: readonly BalancerTarget[]): Promise<ExternalBalancer> {
    const balancer = new ExternalBalancer(places)
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    for (const target of balancer.#targets) void balancer.#watch(target)
    return balancer
  }

  /** For a client: where connections go. */
  get endpoint(): { readonly address: string, readonly port: number } {
    return { address: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  /** Addresses of the targets that get new connections. */
  get healthy(): readonly string[] {
    return this.#targets.filter(({ health }) => health === 'healthy').map(({ place }) => place.address)
  }

  /** Whether the connection of a client with this port was led to the target with this address. */
  wasLedTo(address: string, clientPort: number): boolean {
    return this.#targets.some(({ place, clientPorts }) => place.address === address && clientPorts.has(clientPort))
  }

  close(): void {
    this.#closed.abort()
    this.#server.close()
    for (const { connections } of this.#targets) for (const socket of connections) socket.destroy()
  }

  async #watch(target: Target): Promise<void> {
    let silent = 0
    while (!this.#closed.signal.aborted) {
      target.health = await check(target.place)
      silent = target.health === 'silent' ? silent + 1 : 0
      // Whoever waits for a target that is gone learns it now.
      if (silent >= SILENT_CHECKS) for (const socket of target.connections) socket.destroy()
      await sleep(INTERVAL_MS, undefined, { ref: false })
    }
  }

  #next(wanted: Health): Target | undefined {
    const targets = this.#targets.filter(({ health }) => health === wanted)
    return targets[this.#turn++ % targets.length]
  }

  #forward(client: Socket): void {
    const target = this.#next('healthy') ?? this.#next('silent')
    if (target === undefined) {
      reset(client)
      return
    }
    target.clientPorts.add(client.remotePort ?? 0)
    const { address, port } = target.place
    const server = connect({ host: address, port, allowHalfOpen: true })
    target.connections.add(server)
    server.once('close', () => { target.connections.delete(server) })
    for (const [from, to] of [[client, server], [server, client]] as const) {
      from.setNoDelay(true)
      from.pipe(to)
      // What ends abruptly on one side does so on the other.
      from.once('error', () => { reset(to) })
      from.once('close', () => { if (from.errored !== null || !to.writableEnded) to.destroy() })
    }
  }
}

async function check({ address, healthPort }: BalancerTarget): Promise<Health> {
  return await withPatience(TIMEOUT_MS, (signal) => new Promise((resolve) => {
    const options = { host: address, port: healthPort, path: CHECK_PATH, agent: false, signal }
    const asked = request(options, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? 'healthy' : 'leaving')
    })
    asked.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' || code === 'ECONNRESET' ? 'leaving' : 'silent')
    })
    asked.end()
  }))
}
