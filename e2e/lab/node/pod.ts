/** One pod on its node: from the binding to the DELETE that ends it. */

import type { V1Container, V1ContainerStatus, V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError, type Client } from '../client.ts'
import { progress } from '../command.ts'
import { nodeAddress, type Network, type PodNetwork } from '../network.ts'
import { sleep } from '../wait.ts'
import { Container, CREATING } from './container.ts'
import type { PodContext } from './environment.ts'
import type { Image, ImageTable, Mount } from './images.ts'
import { hostPortForwards, requireImage, requireNonRoot, requireSupported, sysctlsOf } from './pod-spec.ts'
import { StatusWriter } from './status-writer.ts'
import { Volumes } from './volumes.ts'

/** What all pods of the lab share. */
export interface PodHost {
  readonly client: Client
  readonly network: Network
  readonly images: ImageTable
  readonly apiserver: PodContext['apiserver']
  /** For the pods' files and logs. */
  readonly folder: string
}

const RETRY_MS = 500

export class PodRunner {
  readonly #host: PodHost
  readonly #node: number
  readonly #writer: StatusWriter
  readonly #startTime = new Date()
  #pod: V1Pod
  #network: PodNetwork | undefined
  #volumes: Volumes | undefined
  #containers: Container[] = []
  #conditions: V1PodCondition[] = []
  /** Why the pod does not start, while it does not. */
  #message: string | undefined
  #terminating = false
  #killed = false
  readonly #started: Promise<void>

  /** `node`: which one, from 0. */
  constructor(pod: V1Pod, host: PodHost, node: number) {
    this.#pod = pod
    this.#host = host
    this.#node = node
    this.#writer = new StatusWriter({
      client: host.client, pod, status: () => this.#status(), isCutOff: () => this.#isCutOff(),
    })
    this.#started = this.#start()
  }

  get pod(): V1Pod {
    return this.#pod
  }

  /** Throws while the pod has none. */
  get network(): PodNetwork {
    if (this.#network === undefined) throw new Error(`pod ${this.#pod.metadata?.name} has no network yet`)
    return this.#network
  }

  container(name?: string): Container {
    const found = this.#containers.find((container) => name === undefined || container.name === name)
    if (found === undefined) throw new Error(`pod ${this.#pod.metadata?.name} runs no container ${name ?? ''}`)
    return found
  }

  /** The folder of a volume, as the lab sees it. */
  volumePath(name: string): string {
    if (this.#volumes === undefined) throw new Error(`pod ${this.#pod.metadata?.name} has no volumes yet`)
    return this.#volumes.path(name)
  }

  /** Takes a newer version of the object; a deletion timestamp begins the end. */
  update(pod: V1Pod): void {
    this.#pod = pod
    if (pod.metadata?.deletionTimestamp !== undefined && !this.#terminating) {
      this.#terminate(pod.metadata.deletionGracePeriodSeconds ?? 30).catch((error: unknown) => {
        progress(`pod ${pod.metadata?.name}: ${String(error)}`)
      })
    }
  }

  /** Ends everything at once, without telling the apiserver. */
  async kill(): Promise<void> {
    this.#terminating = true
    this.#killed = true
    this.#writer.close()
    await this.#started
    await Promise.all(this.#containers.map((container) => container.stop(0)))
    await this.#cleanUp()
  }

  async #start(): Promise<void> {
    while (!this.#terminating) {
      try {
        await this.#prepare()
        for (const container of this.#containers) container.start()
        this.#message = undefined
        this.#changed()
        return
      } catch (error) {
        this.#message = error instanceof Error ? error.message : String(error)
        this.#changed()
        await sleep(RETRY_MS)
      }
    }
  }

  /** Everything up to the first process; may be called again after it has thrown. */
  async #prepare(): Promise<void> {
    const { client, network, apiserver, images } = this.#host
    requireSupported(this.#pod)
    const found = (this.#pod.spec?.containers ?? []).map((spec) => {
      const image = requireImage(images, spec.image ?? '')
      requireNonRoot(this.#pod, spec, image)
      return { spec, image }
    })
    this.#network ??= await this.#makeNetwork(network)
    const context: PodContext = {
      pod: this.#pod, client, apiserver, podAddress: this.#network.address, nodeAddress: nodeAddress(this.#node),
    }
    this.#volumes = new Volumes(join(this.#folder(), 'volumes'), context)
    await this.#volumes.make()
    this.#containers = await Promise.all(found.map(({ spec, image }) => this.#container(spec, image, context)))
  }

  async #makeNetwork(network: Network): Promise<PodNetwork> {
    if (this.#pod.spec?.hostNetwork === true) return network.hostNetwork(this.#node)
    const made = await network.addPod(this.#node, sysctlsOf(this.#pod))
    const forwards = hostPortForwards(this.#pod, made.address, this.#node)
    await network.forward(this.#node, new Map([[this.#portsKey, forwards]]))
    return made
  }

  get #portsKey(): string {
    return `pod/${this.#pod.metadata?.uid}`
  }

  async #container(
    spec: V1Container, image: Image, context: PodContext,
  ): Promise<Container> {
    const folder = join(this.#folder(), 'containers', spec.name)
    await mkdir(folder, { recursive: true })
    return new Container({
      spec, image, context, folder,
      networkNamespace: this.network.name,
      logFolder: logFolder(this.#host.folder, this.#pod, spec.name),
      volumeMounts: this.#volumeMounts(spec),
      restart: this.#pod.spec?.restartPolicy as 'Always' | undefined ?? 'Always',
      changed: () => { this.#changed() },
      isCutOff: () => this.#isCutOff(),
    })
  }

  #volumeMounts(spec: V1Container): Mount[] {
    return (spec.volumeMounts ?? []).map((mount) => ({
      source: join(this.volumePath(mount.name), mount.subPath ?? ''),
      target: mount.mountPath,
      readOnly: mount.readOnly === true,
    }))
  }

  async #terminate(graceSeconds: number): Promise<void> {
    this.#terminating = true
    await this.#started
    await Promise.all(this.#containers.map((container) => container.stop(graceSeconds * 1000)))
    await this.#writer.flush()
    this.#writer.close()
    await this.#cleanUp()
    await this.#deleteObject()
  }

  /** The last word of a kubelet: the object may go. Does not give up while the apiserver is away. */
  async #deleteObject(): Promise<void> {
    const { name = '', namespace = '', uid } = this.#pod.metadata ?? {}
    const options = { gracePeriodSeconds: 0, preconditions: { uid } }
    while (!this.#killed) {
      try {
        if (this.#isCutOff()) throw new Error('the node has no network')
        await this.#host.client.delete('v1/Pod', { namespace, name }, options)
        return
      } catch (error) {
        if (error instanceof ApiError && error.status === 409) return
        await sleep(RETRY_MS)
      }
    }
  }

  #isCutOff(): boolean {
    return this.#host.network.isNodeCut(this.#node)
  }

  async #cleanUp(): Promise<void> {
    this.#volumes?.close()
    const network = this.#network
    this.#network = undefined
    if (network !== undefined) {
      await this.#host.network.forward(this.#node, new Map([[this.#portsKey, []]]))
      await this.#host.network.removePod(network)
    }
    await rm(this.#folder(), { recursive: true, force: true })
  }

  #folder(): string {
    return join(this.#host.folder, 'pods', this.#pod.metadata?.uid ?? '')
  }

  #changed(): void {
    this.#writer.changed()
  }

  #status(): V1PodStatus {
    const statuses = this.#containerStatuses()
    const allReady = statuses.length > 0 && statuses.every((status) => status.ready)
    const phase = this.#phase(statuses)
    this.#conditions = [
      this.#condition('PodScheduled', true),
      this.#condition('Initialized', this.#message === undefined),
      this.#condition('ContainersReady', allReady),
      this.#condition('Ready', allReady),
    ]
    const address = this.#network?.address
    return {
      phase,
      conditions: this.#conditions,
      containerStatuses: statuses,
      startTime: this.#startTime,
      hostIP: nodeAddress(this.#node),
      hostIPs: [{ ip: nodeAddress(this.#node) }],
      message: this.#message ?? '',
      ...address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] },
    }
  }

  #containerStatuses(): V1ContainerStatus[] {
    if (this.#containers.length > 0) return this.#containers.map((container) => container.status())
    const reason = this.#message?.startsWith('no image') === true ? 'ErrImagePull' : CREATING
    const waiting = { reason, ...this.#message === undefined ? {} : { message: this.#message } }
    return (this.#pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
      name, image, imageID: '', ready: false, started: false, restartCount: 0, state: { waiting },
    }))
  }

  #phase(statuses: readonly V1ContainerStatus[]): string {
    if (statuses.some((status) => status.state?.waiting?.reason === CREATING)) return 'Pending'
    if (this.#containers.length === 0) return 'Pending'
    const ended = statuses.every((status) => status.state?.terminated !== undefined)
    const forGood = this.#terminating || this.#pod.spec?.restartPolicy !== 'Always'
    if (!ended || !forGood) return 'Running'
    return statuses.every((status) => status.state?.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed'
  }

  #condition(type: string, holds: boolean): V1PodCondition {
    const status = holds ? 'True' : 'False'
    const before = this.#conditions.find((condition) => condition.type === type)
    return before?.status === status ? before : { type, status, lastTransitionTime: new Date() }
  }
}

/** Logs outlive their pod: a failed test wants to read them. */
export function logFolder(folder: string, pod: V1Pod, container: string): string {
  const { namespace, name } = pod.metadata ?? {}
  return join(folder, 'logs', `${namespace}_${name}_${container}`)
}
