/**
 * The node agent, the lab's stand-in for scheduler and kubelets: registers nodes, binds pods, and runs
 * each pod by a PodRunner. What runs goes on while the apiserver is away.
 */

import type { Server } from 'node:https'
import type { V1Node, V1Pod } from '@kubernetes/client-node'
import type { ControlPlane } from '../control-plane.ts'
import { API_PORT } from '../control-plane.ts'
import { Follower } from '../follower.ts'
import { nodeAddress, OUTSIDE_ADDRESS } from '../network.ts'
import { KUBELET_PORT, startLogServer } from './log-server.ts'
import { PodRunner, type PodHost } from './pod.ts'
import { chooseNode } from './scheduler.ts'
import { ServiceProxy } from './service-proxy.ts'

const PODS_PER_NODE = 500

export interface AgentOptions extends Omit<PodHost, 'apiserver'> {
  readonly controlPlane: ControlPlane
  /** How many nodes. */
  readonly nodes: number
  /** No addresses for Services of type ClusterIP. */
  readonly outsideOnly: boolean
}

export class Agent {
  readonly #options: AgentOptions
  readonly #host: PodHost
  /** As they began, in their order. */
  readonly #nodes: readonly V1Node[]
  /** By uid; a pod that is being bound has its node here already. */
  readonly #pods = new Map<string, V1Pod>()
  readonly #runners = new Map<string, PodRunner>()
  readonly #podFollower: Follower<V1Pod & object>
  readonly #nodeFollower: Follower<V1Node & object>
  readonly #services: ServiceProxy
  #logServer: Server | undefined

  constructor(options: AgentOptions) {
    this.#options = options
    this.#host = { ...options, apiserver: { host: OUTSIDE_ADDRESS, port: API_PORT } }
    this.#nodes = Array.from({ length: options.nodes }, (_, index) => nodeObject(index))
    this.#podFollower = new Follower<V1Pod & object>({
      client: options.client,
      kind: 'v1/Pod',
      seen: (pod) => { this.#seen(pod) },
      removed: (pod) => { this.#removed(pod) },
    })
    this.#nodeFollower = new Follower<V1Node & object>({
      client: options.client, kind: 'v1/Node', changed: () => { this.#scheduleWaiting() },
    })
    this.#services = new ServiceProxy({ ...options, nodes: this.#nodes.map(({ metadata }) => metadata?.name ?? '') })
  }

  get nodes(): readonly V1Node[] {
    return this.#nodes
  }

  async start(): Promise<void> {
    const { controlPlane, client } = this.#options
    this.#logServer = await startLogServer(
      controlPlane.authority, controlPlane.kubeletCertificate,
      (namespace, pod, container, previous) => this.#findLog(namespace, pod, container, previous),
    )
    for (const [index, node] of this.#nodes.entries()) {
      await this.#serveLogs(index)
      await client.create({ ...node, status: undefined } as object)
      const name = { name: node.metadata?.name ?? '' }
      await client.patch('v1/Node', name, { status: node.status }, 'status')
      // The apiserver marks a new node as not ready; there is no node controller here to undo it.
      await client.patch('v1/Node', name, { spec: { taints: null } })
    }
    await this.#nodeFollower.start()
    await this.#podFollower.start()
    await this.#services.start()
  }

  /** One server is the kubelet of all nodes. */
  async #serveLogs(node: number): Promise<void> {
    const targets = [{ address: OUTSIDE_ADDRESS, port: KUBELET_PORT }]
    const kubelet = { address: nodeAddress(node), protocol: 'tcp', port: KUBELET_PORT, targets, masquerade: true } as const
    await this.#options.network.forward(node, new Map([['kubelet', [kubelet]]]))
  }

  /** The pod that runs here under this name. Throws when there is none. */
  runner(namespace: string, name: string): PodRunner {
    const runner = this.#findRunner(namespace, name)
    if (runner === undefined) throw new Error(`no pod ${namespace}/${name} runs in the lab`)
    return runner
  }

  /** Ends all pods at once; the objects stay. */
  async stop(): Promise<void> {
    await this.#services.stop()
    await this.#podFollower.stop()
    await this.#nodeFollower.stop()
    await Promise.all([...this.#runners.values()].map((runner) => runner.kill()))
    this.#logServer?.closeAllConnections()
    this.#logServer?.close()
  }

  #seen(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? ''
    this.#pods.set(uid, pod)
    const runner = this.#runners.get(uid)
    if (runner !== undefined) runner.update(pod)
    else if (pod.spec?.nodeName === undefined) this.#schedule(pod)
    else this.#run(pod, pod.spec.nodeName)
  }

  /** From 0; -1 when there is no such node. */
  nodeIndex(name: string): number {
    return this.#nodes.findIndex(({ metadata }) => metadata?.name === name)
  }

  #run(pod: V1Pod, nodeName: string): void {
    const index = this.nodeIndex(nodeName)
    if (index < 0) return
    const runner = new PodRunner(pod, this.#host, index)
    this.#runners.set(pod.metadata?.uid ?? '', runner)
    runner.update(pod)
  }

  #removed(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? ''
    const runner = this.#runners.get(uid)
    this.#pods.delete(uid)
    this.#runners.delete(uid)
    // A graceful end has done all this already; a forced deletion has not.
    runner?.kill().catch(() => {})
    this.#scheduleWaiting()
  }

  #scheduleWaiting(): void {
    for (const waiting of this.#pods.values()) if (waiting.spec?.nodeName === undefined) this.#schedule(waiting)
  }

  #schedule(pod: V1Pod): void {
    const choice = chooseNode(pod, this.#nodeFollower.objects, [...this.#pods.values()])
    // What fails here is tried again when the pod is seen again, at the latest after the next list.
    if ('message' in choice) this.#unschedulable(pod, choice.message).catch(() => {})
    else this.#bind(pod, choice.node).catch(() => { this.#pods.set(pod.metadata?.uid ?? '', pod) })
  }

  async #unschedulable(pod: V1Pod, message: string): Promise<void> {
    const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    if (before?.message === message) return
    const { name = '', namespace = '' } = pod.metadata ?? {}
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }
    await this.#options.client.patch('v1/Pod', { namespace, name }, { status: { conditions: [condition] } }, 'status')
  }

  async #bind(pod: V1Pod, node: string): Promise<void> {
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {}
    // Counted at once, so that the next pod of the same moment sees this one on its node.
    this.#pods.set(uid, { ...pod, spec: { containers: [], ...pod.spec, nodeName: node } })
    await this.#options.client.call('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
      apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    })
  }

  #findRunner(namespace: string, name: string): PodRunner | undefined {
    return [...this.#runners.values()].find(({ pod }) =>
      pod.metadata?.namespace === namespace && pod.metadata.name === name)
  }

  #findLog(namespace: string, pod: string, container: string, previous: boolean): string | undefined {
    try {
      return this.#findRunner(namespace, pod)?.container(container).logFile(previous)
    } catch {
      return undefined
    }
  }
}

function nodeObject(index: number): V1Node {
  const name = `node-${index + 1}`
  const now = new Date()
  const condition = (type: string, status: string): object =>
    ({ type, status, reason: 'Lab', message: 'the lab', lastHeartbeatTime: now, lastTransitionTime: now })
  const capacity = { pods: String(PODS_PER_NODE), cpu: '8', memory: '32Gi' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/region': 'lab', 'topology.kubernetes.io/zone': `zone-${index + 1}`,
      },
    },
    status: {
      addresses: [{ type: 'InternalIP', address: nodeAddress(index) }, { type: 'Hostname', address: name }],
      capacity,
      allocatable: capacity,
      conditions: [
        condition('Ready', 'True'), condition('MemoryPressure', 'False'), condition('DiskPressure', 'False'),
      ] as NonNullable<NonNullable<V1Node['status']>['conditions']>,
      daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
      nodeInfo: {
        architecture: 'amd64', bootID: 'lab', containerRuntimeVersion: 'lab://1', kernelVersion: 'lab',
        kubeProxyVersion: '', kubeletVersion: 'v0.0.0-lab', machineID: 'lab', operatingSystem: 'linux',
        osImage: 'lab', systemUUID: 'lab',
      },
    },
  }
}
