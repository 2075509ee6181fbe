/** What a node does to packets, in the words of nft: kube-proxy's part, and faults. Pure. */

/** What is sent to this address and port goes to one of the targets, each connection to another. */
export interface Forward {
  readonly address: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** At least one. */
  readonly targets: readonly Destination[]
  /** The target sees the node as its client: needed where its answers would not come back this way. */
  readonly masquerade: boolean
}

export interface Destination {
  readonly address: string
  readonly port: number
}

/** Forwards that are replaced together, and the chain of each. */
export interface KeyedForwards {
  readonly forwards: readonly Forward[]
  readonly chains: readonly string[]
}

/** `cut`: packets vanish. `refused`: TCP segments to the pod are answered by a reset. */
export type PodFault = 'cut' | 'refused'

const TABLE = 'ip lab'
const MASQUERADE = 'meta mark set 1'

/** A packet to a pod is seen by the forward hook, or by the output hook when it begins on the node itself. */
export const BASE_RULES = `
table ${TABLE} {
  set cut { type ipv4_addr; }
  set refused { type ipv4_addr; }
  map forwards { type ipv4_addr . inet_proto . inet_service : verdict; }
  chain faults {
    ip saddr @cut drop
    ip daddr @cut drop
    ip daddr @refused meta l4proto tcp reject with tcp reset
  }
  chain forward { type filter hook forward priority 0; jump faults; }
  chain faults-from-here { type filter hook output priority 0; jump faults; }
  chain prerouting {
    type nat hook prerouting priority -100
    ip daddr . meta l4proto . th dport vmap @forwards
  }
  chain output {
    type nat hook output priority -100
    ip daddr . meta l4proto . th dport vmap @forwards
  }
  chain postrouting { type nat hook postrouting priority 100; meta mark 1 masquerade; }
}`

/** Begins or ends a fault of the pod with this address. */
export function faultRule(change: 'add' | 'delete', fault: PodFault, address: string): string {
  return `${change} element ${TABLE} ${fault} { ${address} }`
}

/** One transaction, a command a line, that puts `next` in the place of `present`. */
export function forwardRules(present: KeyedForwards | undefined, next: KeyedForwards): string[] {
  const old = present ?? { forwards: [], chains: [] }
  return [
    ...old.forwards.map((forward) => `delete element ${TABLE} forwards { ${keyOf(forward)} }`),
    ...old.chains.flatMap((chain) => [`flush chain ${TABLE} ${chain}`, `delete chain ${TABLE} ${chain}`]),
    ...next.forwards.flatMap((forward, index) => newForward(forward, next.chains[index] ?? '')),
  ]
}

function newForward(forward: Forward, chain: string): string[] {
  const { protocol, targets, masquerade } = forward
  const choices = targets.map(({ address, port }, index) => `${index} : ${address} . ${port}`)
  const destination = `numgen random mod ${targets.length} map { ${choices.join(', ')} }`
  return [
    `add chain ${TABLE} ${chain}`,
    `add rule ${TABLE} ${chain} ${masquerade ? MASQUERADE : ''} meta l4proto ${protocol} dnat ip to ${destination}`,
    `add element ${TABLE} forwards { ${keyOf(forward)} : goto ${chain} }`,
  ]
}

function keyOf({ address, protocol, port }: Forward): string {
  return `${address} . ${protocol} . ${port}`
}
