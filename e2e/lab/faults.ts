/** Trouble on demand: for processes, for the network of a pod, for the apiserver. */

import type { Agent } from './node/agent.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Network, PodNetwork } from './network.ts'
import type { PodRunner } from './node/pod.ts'

/** A pod and, where it has several, which of its containers; by default the first. */
export interface Target {
  readonly namespace: string
  readonly pod: string
  readonly container?: string
}

export interface FaultsOptions {
  readonly agent: Agent
  readonly network: Network
  readonly controlPlane: ControlPlane
}

export class Faults {
  readonly #agent: Agent
  readonly #network: Network
  readonly #controlPlane: ControlPlane

  constructor({ agent, network, controlPlane }: FaultsOptions) {
    this.#agent = agent
    this.#network = network
    this.#controlPlane = controlPlane
  }

  /** Sends a signal to the container's first process; SIGKILL by default. It is started again. */
  kill(target: Target, signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#runner(target).container(target.container).signal(signal)
  }

  /** The first process takes no more time until `thaw`: connections are accepted and get no answer. */
  freeze(target: Target): void {
    this.kill(target, 'SIGSTOP')
  }

  thaw(target: Target): void {
    this.kill(target, 'SIGCONT')
  }

  /** The pod's link is down until `connect`: packets vanish, nothing is answered. */
  async disconnect(target: Target): Promise<void> {
    await this.#network.cut(this.#podNetwork(target))
  }

  async connect(target: Target): Promise<void> {
    await this.#network.restore(this.#podNetwork(target))
  }

  /** A node is lost until `connectNode`: it and its pods go on, and nobody outside sees anything of it. */
  async disconnectNode(node: string): Promise<void> {
    await this.#network.cutNode(this.#agent.nodeIndex(node))
  }

  async connectNode(node: string): Promise<void> {
    await this.#network.restoreNode(this.#agent.nodeIndex(node))
  }

  /** Every connection to the pod is refused until `accept`, as if nothing listened at its address. */
  async refuse(target: Target): Promise<void> {
    await this.#network.refuse(this.#podNetwork(target))
  }

  async accept(target: Target): Promise<void> {
    await this.#network.accept(this.#podNetwork(target))
  }

  /** Every answer of a pod of the image `resty-ingress/backend` takes this much longer; 0 ends it. */
  async delay(target: Target, milliseconds: number): Promise<void> {
    const { address } = this.#podNetwork(target)
    const response = await fetch(`http://${address}:3000/-/delay?ms=${milliseconds}`, { method: 'PUT' })
    await response.text()
    if (!response.ok) throw new Error(`${target.pod} takes no delay: ${response.status}`)
  }

  /** Kills the apiserver; `startApiserver` brings it back with all it knew. */
  async stopApiserver(): Promise<void> {
    await this.#controlPlane.stopApiserver()
  }

  async startApiserver(): Promise<void> {
    await this.#controlPlane.startApiserver()
  }

  #podNetwork(target: Target): PodNetwork {
    return this.#runner(target).network
  }

  #runner({ namespace, pod }: Target): PodRunner {
    return this.#agent.runner(namespace, pod)
  }
}
