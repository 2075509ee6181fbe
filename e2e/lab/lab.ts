/** The lab as tests see it: a cluster to talk to, pods to look into, faults to cause. */

import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { V1Endpoint, V1EndpointSlice, V1Node, V1Pod } from '@kubernetes/client-node'
import { KubeConfig } from '@kubernetes/client-node'
import type { Write } from './audit.ts'
import { issueCertificate, type Certificate, type CertificateRequest } from './certificates.ts'
import {
  Client, kindOf, nameOf, type Credentials, type KindName, type KubernetesObject, type ObjectName,
} from './client.ts'
import { ClusterDns } from './cluster-dns.ts'
import { ControlPlane } from './control-plane.ts'
import { toolsInside } from './enter.ts'
import { Faults, type Target } from './faults.ts'
import { CLUSTER_KINDS, inApplyOrder, parseObjects, readKustomization } from './manifests.ts'
import { Network, nodeAddress, OUTSIDE_ADDRESS } from './network.ts'
import { Agent } from './node/agent.ts'
import { createImageTable } from './node/images.ts'
import type { CommandResult } from './command.ts'
import type { Variant } from './tools.ts'
import { eventually, type Truthy, type WaitOptions } from './wait.ts'

export interface LabOptions {
  /** Which NGINX the image `resty-ingress/openresty` is; without it there is no such image. */
  readonly variant?: Variant
  /** By default 1. */
  readonly nodes?: number
  /** Leave out the addresses of Services inside of the cluster: a benchmark needs the cores for itself. */
  readonly outsideOnly?: boolean
}

const FOLDER = '/run/resty-ingress-lab'

/** Starts the whole lab; `enterLab()` must have been called. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const tools = toolsInside()
  const { variant, nodes = 1, outsideOnly = false } = options
  await mkdir(join(FOLDER, 'controlplane'), { recursive: true })
  const network = new Network(nodes)
  await network.start()
  const addresses = Array.from({ length: nodes }, (_, index) => nodeAddress(index))
  const controlPlane = await ControlPlane.start({
    tools, folder: join(FOLDER, 'controlplane'), address: OUTSIDE_ADDRESS, nodeAddresses: addresses,
  })
  const client = new Client(controlPlane.credentials)
  const dns = await ClusterDns.start(client)
  const agent = new Agent({
    controlPlane, client, network, nodes, outsideOnly, folder: FOLDER, images: createImageTable(tools, variant),
  })
  await agent.start()
  const lab = new Lab({ controlPlane, client, network, dns, agent, variant })
  await lab.waitFor('the service account of namespace default', () =>
    client.find('v1/ServiceAccount', { namespace: 'default', name: 'default' }))
  return lab
}

interface Parts {
  readonly controlPlane: ControlPlane
  readonly client: Client
  readonly network: Network
  readonly dns: ClusterDns
  readonly agent: Agent
  readonly variant: Variant | undefined
}

export class Lab {
  readonly variant: Variant | undefined
  /** As administrator. */
  readonly client: Client
  readonly dns: ClusterDns
  readonly faults: Faults
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
    this.variant = parts.variant
    this.client = parts.client
    this.dns = parts.dns
    this.faults = new Faults(parts)
  }

  /** Of the administrator. */
  get credentials(): Credentials {
    return this.#parts.controlPlane.credentials
  }

  /** A file for `--kubeconfig`, as administrator. */
  get kubeconfigFile(): string {
    return this.#parts.controlPlane.kubeconfigFile
  }

  /** For the typed clients of @kubernetes/client-node. */
  get kubeConfig(): KubeConfig {
    const config = new KubeConfig()
    config.loadFromFile(this.kubeconfigFile)
    return config
  }

  get nodes(): readonly V1Node[] {
    return this.#parts.agent.nodes
  }

  /** Server-side apply of YAML or of objects, in an order that works. A namespace is usable afterwards. */
  async apply(what: string | KubernetesObject | readonly KubernetesObject[]): Promise<KubernetesObject[]> {
    const applied: KubernetesObject[] = []
    for (const object of inApplyOrder(toObjects(what))) {
      applied.push(await this.client.apply(withNamespace(object)))
      if (object.kind === 'Namespace') await this.#namespaceUsable(object.metadata?.name ?? '')
    }
    return applied
  }

  /** Applies the objects of a kustomization folder. */
  async applyFolder(folder: string): Promise<KubernetesObject[]> {
    return await this.apply(await readKustomization(folder))
  }

  /** Deletes what `apply` would apply; missing objects are fine. */
  async delete(what: string | KubernetesObject | readonly KubernetesObject[]): Promise<void> {
    for (const object of toObjects(what).map(withNamespace)) await this.client.delete(kindOf(object), nameOf(object))
  }

  /** Waits for a condition: see `eventually`. */
  async waitFor<T>(
    message: string, condition: () => Promise<T> | T, options: WaitOptions = {},
  ): Promise<Truthy<T>> {
    return await eventually(message, condition, { ...options, describe: () => this.#describePods() })
  }

  /** Waits until the object exists and `holds` for it. */
  async waitForObject<T extends KubernetesObject>(
    kind: KindName, name: ObjectName, holds: (object: T) => boolean, options: WaitOptions = {},
  ): Promise<T> {
    return await this.waitFor(`${kind} ${name.namespace ?? ''}/${name.name}`, async () => {
      const object = await this.client.find<T>(kind, name)
      return object !== undefined && holds(object) ? object : undefined
    }, options)
  }

  /** Waits until the Deployment has rolled out: all replicas updated, available, and no old one left. */
  async waitForDeployment(namespace: string, name: string, options: WaitOptions = {}): Promise<void> {
    await this.waitForObject<Deployment>('apps/v1/Deployment', { namespace, name }, isRolledOut, options)
  }

  /** Waits until the slices of a Service have so many endpoints, all ready: that is later than its pods are. */
  async waitForEndpoints(namespace: string, service: string, count: number): Promise<void> {
    await this.waitFor(`${count} ready endpoints of ${namespace}/${service}`, async () => {
      const endpoints = await this.endpoints(namespace, service)
      return endpoints.length === count && endpoints.every(({ conditions }) => conditions?.ready)
    })
  }

  /** The pods with these labels that are not about to end, oldest first. */
  async pods(namespace: string, labelSelector?: string): Promise<V1Pod[]> {
    const scope = labelSelector === undefined ? { namespace } : { namespace, labelSelector }
    const pods = await this.client.list<V1Pod & object>('v1/Pod', scope)
    return pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined)
  }

  /** All endpoints of a Service, over all its slices. */
  async endpoints(namespace: string, service: string): Promise<V1Endpoint[]> {
    const slices = await this.client.list<V1EndpointSlice & object>('discovery.k8s.io/v1/EndpointSlice', {
      namespace, labelSelector: `kubernetes.io/service-name=${service}`,
    })
    return slices.flatMap((slice) => slice.endpoints ?? [])
  }

  /** The address of a pod that runs. */
  podAddress(target: Target): string {
    return this.#parts.agent.runner(target.namespace, target.pod).network.address
  }

  /** The first process of a container, in the lab's numbers; undefined while it does not run. */
  processId(target: Target): number | undefined {
    return this.#parts.agent.runner(target.namespace, target.pod).container(target.container).pid
  }

  /** The folder of a pod's volume: for example to reach a socket in it. */
  volumePath(target: Target, volume: string): string {
    return this.#parts.agent.runner(target.namespace, target.pod).volumePath(volume)
  }

  /** Runs a program in a container, as its user. */
  async exec(target: Target, argv: readonly string[]): Promise<CommandResult> {
    return await this.#parts.agent.runner(target.namespace, target.pod).container(target.container).exec(argv)
  }

  /** What the present run of a container has printed, or the run before. */
  async logs(target: Target, options: { readonly previous?: boolean } = {}): Promise<string> {
    const container = this.#parts.agent.runner(target.namespace, target.pod).container(target.container)
    return await readFile(container.logFile(options.previous), 'utf8')
  }

  /** What service accounts have written of status, Events and leases, in the order of the answers. */
  async writes(): Promise<Write[]> {
    return await this.#parts.controlPlane.writes()
  }

  /** Signed by the lab's authority, for example for a TLS Secret. */
  async issueCertificate(request: CertificateRequest): Promise<Certificate> {
    return await issueCertificate(this.#parts.controlPlane.authority, request)
  }

  /** The certificate of the lab's authority, PEM. */
  get authorityCertificate(): string {
    return this.#parts.controlPlane.authority.certificate
  }

  /** A client with a service account's token: what RBAC refuses is an ApiError with status 403. */
  async clientAs(namespace: string, serviceAccount: string): Promise<Client> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
    const answer = await this.client.call('POST', path, request) as { status: { token: string } }
    const { url, ca } = this.#parts.controlPlane.credentials
    return new Client({ url, ca, token: answer.status.token })
  }

  /** Stops everything. All logs go to the folder LAB_LOGS when the environment names one. */
  async close(): Promise<void> {
    const { agent, client, controlPlane, dns } = this.#parts
    await agent.stop()
    await dns.stop()
    client.close()
    await controlPlane.stop()
    const keep = process.env['LAB_LOGS']
    if (keep !== undefined && keep !== '') await keepLogs(keep)
    await rm(FOLDER, { recursive: true, force: true })
  }

  async #namespaceUsable(namespace: string): Promise<void> {
    await this.waitFor(`namespace ${namespace} has its service account and root certificate`, async () => {
      const account = await this.client.find('v1/ServiceAccount', { namespace, name: 'default' })
      const root = await this.client.find('v1/ConfigMap', { namespace, name: 'kube-root-ca.crt' })
      return account !== undefined && root !== undefined
    })
  }

  async #describePods(): Promise<string> {
    const pods = await this.client.list<V1Pod & object>('v1/Pod').catch(() => [])
    return pods.map(describePod).join('\n')
  }
}

interface Deployment extends KubernetesObject {
  spec?: { replicas?: number }
  status?: {
    observedGeneration?: number, replicas?: number, updatedReplicas?: number, availableReplicas?: number
  }
}

function isRolledOut({ metadata, spec, status = {} }: Deployment): boolean {
  const { generation = 0 } = metadata ?? {}
  const { replicas = 1 } = spec ?? {}
  const { observedGeneration = 0 } = status
  const counts = [status.replicas, status.updatedReplicas, status.availableReplicas]
  return observedGeneration >= generation && counts.every((count = 0) => count === replicas)
}

function toObjects(what: string | KubernetesObject | readonly KubernetesObject[]): readonly KubernetesObject[] {
  if (typeof what === 'string') return parseObjects(what)
  return Array.isArray(what) ? what as readonly KubernetesObject[] : [what as KubernetesObject]
}

/** Like kubectl: without a namespace it is `default`; cluster-wide kinds ignore it in their path. */
function withNamespace(object: KubernetesObject): KubernetesObject {
  if (object.metadata?.namespace !== undefined || CLUSTER_KINDS.has(object.kind ?? '')) return object
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } }
}

function describePod({ metadata, status }: V1Pod): string {
  const containers = (status?.containerStatuses ?? []).map((container) => {
    const { waiting, terminated } = container.state ?? {}
    const state = waiting?.reason ?? (terminated === undefined ? 'running' : `exit ${terminated.exitCode}`)
    return `${container.name}: ${state}, ${container.ready ? 'ready' : 'not ready'}, ${container.restartCount} restarts`
  })
  return `  ${metadata?.namespace}/${metadata?.name}: ${status?.phase} ${status?.message ?? ''} (${containers.join('; ')})`
}

async function keepLogs(folder: string): Promise<void> {
  const target = join(folder, basename(process.argv[1] ?? 'lab'))
  await cp(join(FOLDER, 'logs'), target, { recursive: true }).catch(ignoreMissing)
  for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager']) {
    await cp(join(FOLDER, 'controlplane', `${name}.log`), join(target, `${name}.log`))
  }
}

/** No container has run. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
