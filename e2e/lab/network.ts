/**
 * The lab's network: one bridge with the nodes' addresses, and for each pod a network namespace whose
 * `eth0` hangs on it. Everything is in 198.18.0.0/15, the range for benchmarks (RFC 2544).
 */

import { runCommand } from './command.ts'

const BRIDGE = 'lab0'
const PREFIX = 16
/** Addresses of load balancers. */
const LOAD_BALANCER_RANGE = '198.19.0'

export function nodeAddress(index: number): string {
  return `198.18.0.${index + 1}`
}

export function loadBalancerAddress(index: number): string {
  return `${LOAD_BALANCER_RANGE}.${index + 1}`
}

/** A pod's place on the bridge. */
export interface PodNetwork {
  /** Of the network namespace and the outer end of its link. */
  readonly name: string
  readonly address: string
  readonly mac: string
}

export class Network {
  /** Addresses are never used twice: a stale client of an old pod must not find a new one. */
  #next = 256
  /** Names of the networks that `refuse` has taken over. */
  readonly #refused = new Set<string>()

  async start(nodes: number): Promise<void> {
    const addresses = Array.from({ length: nodes }, (_, index) => nodeAddress(index))
    await batch([
      `link add ${BRIDGE} type bridge forward_delay 0`,
      ...addresses.map((address) => `addr add ${address}/${PREFIX} dev ${BRIDGE}`),
      `link set ${BRIDGE} up`,
    ])
    await runCommand([
      'sysctl', '-q', '-w',
      // Pods reach load balancers through the node.
      'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0',
      // Connections, not clients, are spread over a load balancer's pods.
      'net.ipv4.fib_multipath_hash_policy=1',
    ])
  }

  /** A new namespace with an address, a default route and the pod's safe sysctls. */
  async addPod(sysctls: Readonly<Record<string, string>> = {}): Promise<PodNetwork> {
    const index = this.#next++
    if (index > 0xffff) throw new Error('the lab is out of pod addresses')
    const network = {
      name: `pod${index}`,
      address: `198.18.${index >> 8}.${index & 255}`,
      mac: `02:00:c6:12:${hex(index >> 8)}:${hex(index & 255)}`,
    }
    await addNamespace(network)
    for (const [key, value] of Object.entries(sysctls)) {
      await inNamespace(network.name, ['sysctl', '-q', '-w', `${key}=${value}`])
    }
    return network
  }

  async removePod(network: PodNetwork): Promise<void> {
    await this.accept(network)
    await runCommand(['ip', 'netns', 'delete', network.name])
  }

  /**
   * Sends what is for `address` to these pods and no others. Each gets the address on its own loopback
   * device, so packets arrive as they were sent: a load balancer that keeps the client's address.
   */
  async balance(address: string, pods: readonly PodNetwork[]): Promise<void> {
    for (const pod of pods) await runCommand(['ip', '-n', pod.name, 'addr', 'replace', `${address}/32`, 'dev', 'lo'])
    if (pods.length === 0) await runCommand(['ip', 'route', 'replace', 'unreachable', address])
    else {
      const hops = pods.flatMap((pod) => ['nexthop', 'via', pod.address])
      await runCommand(['ip', 'route', 'replace', address, ...hops])
    }
  }

  /** Nothing gets to the pod or out of it any more, and nobody is told. */
  async cut(network: PodNetwork): Promise<void> {
    await runCommand(['ip', 'link', 'set', network.name, 'down'])
  }

  async restore(network: PodNetwork): Promise<void> {
    await runCommand(['ip', 'link', 'set', network.name, 'up'])
  }

  /**
   * Every TCP segment to the pod is answered by a reset: another namespace, where nothing listens,
   * takes over its address (same MAC, so that no neighbour cache is stale).
   */
  async refuse(network: PodNetwork): Promise<void> {
    await this.cut(network)
    this.#refused.add(network.name)
    await addNamespace({ ...network, name: refuserOf(network) })
  }

  /** Ends `refuse`. */
  async accept(network: PodNetwork): Promise<void> {
    if (!this.#refused.delete(network.name)) return
    await runCommand(['ip', 'link', 'delete', refuserOf(network)])
    await runCommand(['ip', 'netns', 'delete', refuserOf(network)])
    await this.restore(network)
  }
}

function refuserOf(network: PodNetwork): string {
  return `${network.name}x`
}

async function addNamespace(network: PodNetwork): Promise<void> {
  const { name, address, mac } = network
  await batch([
    `netns add ${name}`,
    `link add ${name} type veth peer name eth0 address ${mac} netns ${name}`,
    `link set ${name} master ${BRIDGE} up`,
  ])
  await batch([
    'link set lo up',
    `addr add ${address}/${PREFIX} dev eth0`,
    'link set eth0 up',
    `route add default via ${nodeAddress(0)}`,
  ], name)
}

async function batch(lines: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ['-n', namespace]
  await runCommand(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

async function inNamespace(name: string, argv: readonly string[]): Promise<string> {
  return await runCommand(['nsenter', `--net=/run/netns/${name}`, ...argv])
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
