/** The cluster as source and outlet: objects in; status and Events out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ObjectSink } from '../collection/objects.ts'
import type { Outlets } from '../controller/controller.ts'
import { objectName } from '../ir/object-name.ts'
import { parseAddressList } from '../kube/address.ts'
import { loadKubeConfig } from '../kube/client.ts'
import { LeaderElection } from '../kube/election.ts'
import { EventWriter } from '../kube/events.ts'
import { LeaderApi, SOLE_REPLICA } from '../kube/leadership.ts'
import { findZone } from '../kube/node.ts'
import { AddressPublisher, type AddressOrigin } from '../kube/publish.ts'
import { isOnlyReplica } from '../kube/replicas.ts'
import { ClusterSource } from '../kube/source.ts'
import { ApiTransport, type ApiAccess } from '../kube/transport.ts'
import { StartError, UsageError, type Options } from '../options/options.ts'
import { flagConfigMaps } from '../options/pipeline.ts'
import { ClusterStatus } from './status.ts'

/** Milliseconds: a kubelet waits longer. */
const WITHDRAW_LIMIT = 30_000

export class Cluster {
  readonly #options: Options
  readonly #log: Logger
  readonly #transport: ApiTransport
  /** Of what only the leader writes: its connections are cut when the term ends. */
  readonly #writes: ApiTransport
  readonly #election: LeaderElection | undefined
  readonly #api: LeaderApi
  readonly #status: ClusterStatus
  readonly #events: EventWriter
  readonly #publisher: AddressPublisher | undefined
  readonly #closing = new AbortController()
  #source: ClusterSource | undefined

  private constructor(options: Options, log: Logger, access: ApiAccess) {
    this.#options = options
    this.#log = log
    this.#transport = new ApiTransport(access)
    this.#writes = new ApiTransport(access)
    this.#election = this.#makeElection()
    this.#api = new LeaderApi(this.#writes, this.#election ?? SOLE_REPLICA)
    this.#status = new ClusterStatus(this.#api, { log, rest: options['status-update-interval'] * 1000 })
    this.#events = new EventWriter({ api: this.#api, log, instance: options.podName || 'resty-ingress' })
    this.#publisher = this.#makePublisher()
  }

  /** Throws StartError when nothing says where the API server is. */
  static async find(options: Options, log: Logger): Promise<Cluster> {
    const client = await loadKubeConfig({
      ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      ...(options['apiserver-host'] === undefined ? {} : { apiserverHost: options['apiserver-host'] }),
      ...(options['certificate-authority'] === undefined ? {} : { certificateAuthority: options['certificate-authority'] }),
      serviceHost: options.serviceHost,
      servicePort: options.servicePort,
    })
    if (!client.ok) throw new StartError(client.message)
    log.info({ server: client.server }, 'watching the API server')
    return new Cluster(options, log, client.config)
  }

  /** What the controller finds out goes to the API server. */
  readonly outlets: Omit<Outlets, 'names'> = {
    referenced: (kind, names) => this.#source?.setReferenced(kind, names),
    findings: (current) => this.#events.report(current),
    served: (key, fragment) => this.#status.served(key, fragment),
    refused: (key, fragment, why) => this.#status.refused(key, fragment, why),
    forgotten: (key) => this.#status.forgotten(key),
  }

  /** This replica writes status and Events. */
  isLeading(): boolean {
    return this.#api.isLeading()
  }

  /** Others write the status of this object from now on, or we do again. */
  handOver(key: string, toOthers: boolean): void {
    if (toOthers) this.#status.handOver(key)
    else this.#status.takeBack(key)
  }

  /** Starts to watch; `complete` is called when every kind has been listed once. */
  start(sink: ObjectSink, complete: () => void): void {
    this.#source = new ClusterSource({
      transport: this.#transport,
      sink,
      log: this.#log,
      watchNamespace: this.#options['watch-namespace'],
      namespaceSelector: this.#options['watch-namespace-selector'],
      configMaps: flagConfigMaps(this.#options),
      statuses: { Ingress: this.#status.ingresses.observer, Proxy: this.#status.proxies.observer },
    })
    this.#source.start()
    this.#publisher?.start()
    void this.#source.synced().then(() => {
      complete()
      // Who has not seen everything cannot write for those who have.
      this.#election?.start()
    })
  }

  /** The zone of our node, when endpoints are to be chosen by it; `found` is called at most once. */
  followZone(found: (zone: string) => void): void {
    const { podNamespace: namespace, podName: name } = this.#options
    if (!this.#options['enable-topology-aware-routing'] || name === '') return
    const { signal } = this.#closing
    findZone({ transport: this.#transport, log: this.#log, pod: { namespace, name }, signal }).then(
      (zone) => (zone === undefined ? this.#log.warn('our node has no zone: hints are not followed') : found(zone)),
      (error: unknown) => {
        if (!signal.aborted) this.#log.error({ err: error }, 'the zone of our node cannot be read')
      },
    )
  }

  /** This replica is about to end: it does not begin to lead any more. */
  leave(): void {
    this.#election?.leave()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#publisher?.stop()
    if (await this.#isLast()) {
      await Promise.race([this.#status.withdraw(), sleep(WITHDRAW_LIMIT, undefined, { ref: false })])
    }
    await this.#source?.stop()
    await Promise.all([this.#status.stop(), this.#events.stop()])
    // Last: the next leader begins when we have finished.
    await this.#election?.stop()
    await Promise.all([this.#transport.close(), this.#writes.close()])
  }

  /** The addresses that this replica has written lead nowhere when it ends. */
  async #isLast(): Promise<boolean> {
    const { podNamespace: namespace, podName: name } = this.#options
    if (!this.#options['update-status-on-shutdown'] || this.#publisher === undefined || !this.isLeading()) return false
    if (name === '') return true
    return isOnlyReplica(this.#transport, { namespace, name }).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'it is not known whether there are other replicas: status stays as it is')
      return false
    })
  }

  /** undefined: there are no replicas, or nothing says which of them this is. */
  #makeElection(): LeaderElection | undefined {
    const { podNamespace: namespace, podName: identity } = this.#options
    if (this.#options['disable-leader-election']) return undefined
    if (namespace === '' || identity === '') {
      this.#log.warn('no election, since POD_NAME and POD_NAMESPACE are not set: every replica writes status and Events')
      return undefined
    }
    return new LeaderElection({
      transport: this.#transport,
      log: this.#log,
      lease: { namespace, name: this.#options['election-id'] },
      identity,
      seconds: this.#options['election-ttl'],
      changed: (leading) => this.#leadershipChanged(leading),
    })
  }

  #leadershipChanged(leading: boolean): void {
    if (!leading) return this.#api.lapse()
    this.#status.resume()
    this.#events.resume()
  }

  #makePublisher(): AddressPublisher | undefined {
    const origin = this.#options['update-status'] ? addressOrigin(this.#options) : undefined
    if (origin === undefined) return undefined
    return new AddressPublisher({
      transport: this.#transport,
      log: this.#log,
      origin,
      interval: this.#options['status-update-interval'] * 1000,
      changed: (addresses) => this.#status.publish(addresses),
    })
  }
}

/** Undefined: nothing says which addresses are ours, so no status is written. */
function addressOrigin(options: Options): AddressOrigin | undefined {
  if (options['publish-status-address'] !== '') {
    const list = parseAddressList(options['publish-status-address'])
    if (!list.ok) throw new UsageError(`--publish-status-address: ${list.message}`)
    return { from: 'list', addresses: list.addresses }
  }
  if (options['publish-service'] !== '') return { from: 'service', service: objectName(options['publish-service']) }
  if (options.podName === '' || options.podNamespace === '') return undefined
  const pod = { namespace: options.podNamespace, name: options.podName }
  return { from: 'nodes', pod, internal: options['report-node-internal-ip-address'] }
}
