/**
 * The lab's network. Outside of the cluster, where the test runs: a bridge, with the control plane, the
 * clients and the addresses of load balancers. A node is a network namespace on that bridge that routes for
 * its pods, as a machine does, with ports of its own; a pod is a namespace behind its node, or the node's
 * own (`hostNetwork`). All addresses are in 198.18.0.0/15, the range for benchmarks (RFC 2544).
 */

import { runCommand } from './command.ts'
import { BASE_RULES, faultRule, forwardRules, type Forward, type KeyedForwards, type PodFault } from './packet-rules.ts'

const BRIDGE = 'lab0'
const LINK_PREFIX = 24
/** Of the control plane, and of clients outside of the cluster. */
export const OUTSIDE_ADDRESS = '198.18.0.254'
/** Addresses of load balancers. */
const LOAD_BALANCER_RANGE = '198.19.0'
/** Each node has 4096 pod addresses: 198.18.16.0/20, 198.18.32.0/20, ... */
const POD_PREFIX = 20
const PODS_OF_NODE = 1 << (32 - POD_PREFIX)
const MOST_NODES = 15

export function nodeAddress(index: number): string {
  return `198.18.0.${index + 1}`
}

export function loadBalancerAddress(index: number): string {
  return `${LOAD_BALANCER_RANGE}.${index + 1}`
}

function podAddress(node: number, index: number): string {
  const at = (node + 1) * PODS_OF_NODE + index
  return `198.18.${at >> 8}.${at & 255}`
}

function podRange(node: number): string {
  return `${podAddress(node, 0)}/${POD_PREFIX}`
}

/** Of the network namespace, and of the outer end of its link. */
function nodeName(node: number): string {
  return `node${node}`
}

/** A pod's place in the network. */
export interface PodNetwork {
  /** Of the network namespace: the node's own with `hostNetwork`. */
  readonly name: string
  readonly address: string
  /** Which node, from 0. */
  readonly node: number
  readonly isHost: boolean
}

export class Network {
  readonly #nodes: number
  /** By node. Addresses are never used twice: a stale client of an old pod must not find a new one. */
  readonly #next: number[]
  readonly #cutNodes = new Set<number>()
  /** Of pods, each with their address. */
  readonly #faults = new Set<string>()
  #chains = 0
  /** By node, then by key: what `forward` has set up. */
  readonly #forwards: Map<string, KeyedForwards>[]
  /** By address: to which nodes. */
  readonly #routes = new Map<string, string>()

  constructor(nodes: number) {
    if (nodes > MOST_NODES) throw new Error(`the lab has room for ${MOST_NODES} nodes`)
    this.#nodes = nodes
    this.#next = Array.from({ length: nodes }, () => 1)
    this.#forwards = Array.from({ length: nodes }, () => new Map<string, KeyedForwards>())
  }

  async start(): Promise<void> {
    await batch([
      `link add ${BRIDGE} type bridge forward_delay 0`,
      `addr add ${OUTSIDE_ADDRESS}/${LINK_PREFIX} dev ${BRIDGE}`,
      `link set ${BRIDGE} up`,
    ])
    await runCommand([
      'sysctl', '-q', '-w',
      // Pods reach load balancers through the outside.
      'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0',
      // Connections, not clients, are spread over the nodes of a load balancer.
      'net.ipv4.fib_multipath_hash_policy=1',
    ])
    for (let node = 0; node < this.#nodes; node++) await this.#addNode(node)
  }

  async #addNode(node: number): Promise<void> {
    const name = nodeName(node)
    const address = nodeAddress(node)
    await batch([
      `netns add ${name}`,
      `link add ${name} type veth peer name eth0 netns ${name}`,
      `link set ${name} master ${BRIDGE} up`,
      `route add ${podRange(node)} via ${address}`,
    ])
    const others = Array.from({ length: this.#nodes }, (_, other) => other).filter((other) => other !== node)
    await batch([
      'link set lo up',
      `addr add ${address}/${LINK_PREFIX} dev eth0`,
      'link set eth0 up',
      `route add default via ${OUTSIDE_ADDRESS}`,
      ...others.map((other) => `route add ${podRange(other)} via ${nodeAddress(other)}`),
      // Of its own range only the pods that are there have a route.
      `route add unreachable ${podRange(node)}`,
    ], name)
    await inNamespace(name, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.send_redirects=0'])
    await this.#filter(node, BASE_RULES)
  }

  /** A new namespace behind a node, with an address, a default route and the pod's safe sysctls. */
  async addPod(node: number, sysctls: Readonly<Record<string, string>> = {}): Promise<PodNetwork> {
    const index = this.#next[node] ?? 0
    if (index >= PODS_OF_NODE) throw new Error('the node is out of pod addresses')
    this.#next[node] = index + 1
    const network = { name: `pod${node}-${index}`, address: podAddress(node, index), node, isHost: false }
    await this.#linkPod(network)
    for (const [key, value] of Object.entries(sysctls)) {
      await inNamespace(network.name, ['sysctl', '-q', '-w', `${key}=${value}`])
    }
    return network
  }

  /** The network of the node itself. */
  hostNetwork(node: number): PodNetwork {
    return { name: nodeName(node), address: nodeAddress(node), node, isHost: true }
  }

  /** Nothing but the node is next to a pod: every packet is routed, so the node's rules see it. */
  async #linkPod({ name, address, node }: PodNetwork): Promise<void> {
    const gateway = nodeAddress(node)
    await batch([
      `netns add ${name}`,
      `link add ${name} netns ${nodeName(node)} type veth peer name eth0 netns ${name}`,
    ])
    await batch([`link set ${name} up`, `route add ${address}/32 dev ${name}`], nodeName(node))
    await batch([
      'link set lo up',
      `addr add ${address}/32 dev eth0`,
      'link set eth0 up',
      `route add ${gateway}/32 dev eth0 scope link`,
      `route add default via ${gateway} src ${address}`,
    ], name)
  }

  async removePod(network: PodNetwork): Promise<void> {
    if (network.isHost) return
    for (const fault of ['cut', 'refused'] as const) await this.#fault('delete', fault, network)
    await runCommand(['ip', 'netns', 'delete', network.name])
  }

  /**
   * On one node, what is sent to these addresses and ports goes to their targets; replaces what each key had.
   * Connections that there are stay where they are.
   */
  async forward(node: number, wanted: ReadonlyMap<string, readonly Forward[]>): Promise<void> {
    const present = this.#forwards[node] ?? new Map<string, KeyedForwards>()
    const next = [...wanted].filter(([key, forwards]) => !isSame(present.get(key)?.forwards, forwards))
      .map(([key, forwards]) => [key, { forwards, chains: forwards.map(() => `forward${this.#chains++}`) }] as const)
    const rules = next.flatMap(([key, forwards]) => forwardRules(present.get(key), forwards))
    if (rules.length > 0) await this.#filter(node, rules.join('\n'))
    for (const [key, forwards] of next) present.set(key, forwards)
  }

  /** From outside of the cluster and from nodes without a rule of their own, `address` is at these nodes. */
  async route(address: string, nodes: readonly number[]): Promise<void> {
    if (this.#routes.get(address) === nodes.join()) return
    const hops = nodes.flatMap((node) => ['nexthop', 'via', nodeAddress(node)])
    const how = nodes.length === 0 ? ['unreachable', address] : [address, ...hops]
    await runCommand(['ip', 'route', 'replace', ...how])
    this.#routes.set(address, nodes.join())
  }

  /** Nothing gets to the pod or out of it any more, and nobody is told. */
  async cut(network: PodNetwork): Promise<void> {
    if (network.isHost) await this.cutNode(network.node)
    else await this.#fault('add', 'cut', network)
  }

  async restore(network: PodNetwork): Promise<void> {
    if (network.isHost) await this.restoreNode(network.node)
    else await this.#fault('delete', 'cut', network)
  }

  /** Every TCP segment to the pod is answered by a reset. */
  async refuse(network: PodNetwork): Promise<void> {
    if (network.isHost) throw new Error('a pod in the network of its node cannot be refused alone')
    await this.#fault('add', 'refused', network)
  }

  /** Ends `refuse`. */
  async accept(network: PodNetwork): Promise<void> {
    await this.#fault('delete', 'refused', network)
  }

  /** The node's cable is pulled: its pods go on, and reach each other. */
  async cutNode(node: number): Promise<void> {
    this.#cutNodes.add(node)
    await runCommand(['ip', 'link', 'set', nodeName(node), 'down'])
  }

  async restoreNode(node: number): Promise<void> {
    await runCommand(['ip', 'link', 'set', nodeName(node), 'up'])
    this.#cutNodes.delete(node)
  }

  isNodeCut(node: number): boolean {
    return this.#cutNodes.has(node)
  }

  /** What is so already stays so. */
  async #fault(change: 'add' | 'delete', fault: PodFault, { node, address }: PodNetwork): Promise<void> {
    const key = `${fault} ${address}`
    if (this.#faults.has(key) === (change === 'add')) return
    await this.#filter(node, faultRule(change, fault, address))
    if (change === 'add') this.#faults.add(key)
    else this.#faults.delete(key)
  }

  async #filter(node: number, rules: string): Promise<void> {
    const argv = ['nsenter', `--net=/run/netns/${nodeName(node)}`, 'nft', '-f', '-']
    await runCommand(argv, { input: `${rules}\n` })
  }
}

function isSame(left: readonly Forward[] = [], right: readonly Forward[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

async function batch(lines: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ['-n', namespace]
  await runCommand(['ip', ...where, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

async function inNamespace(name: string, argv: readonly string[]): Promise<string> {
  return await runCommand(['nsenter', `--net=/run/netns/${name}`, ...argv])
}
