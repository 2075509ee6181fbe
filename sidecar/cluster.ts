/** The cluster as source and outlet: objects in; status and Events out. */
import type { Logger } from 'pino'
import type { Outlets } from './controller.ts'
import type { ObjectSink } from './collection/objects.ts'
import { objectName } from './ir/object-name.ts'
import type { Fragment } from './ir/types.ts'
import { parseAddressList, type Address } from './kube/address.ts'
import { loadKubeConfig } from './kube/client.ts'
import { EventWriter } from './kube/events.ts'
import { findZone } from './kube/node.ts'
import { AddressPublisher, type AddressOrigin } from './kube/publish.ts'
import { ClusterSource } from './kube/source.ts'
import { StatusWriter } from './kube/status.ts'
import { ApiTransport } from './kube/transport.ts'
import { StartError, UsageError, type Options } from './options.ts'

export class Cluster {
  readonly #options: Options
  readonly #log: Logger
  readonly #transport: ApiTransport
  readonly #status: StatusWriter
  readonly #events: EventWriter
  readonly #publisher: AddressPublisher | undefined
  readonly #closing = new AbortController()
  readonly #served = new Map<string, string>()
  #source: ClusterSource | undefined
  #addresses: readonly Address[] = []

  private constructor(options: Options, log: Logger, transport: ApiTransport) {
    this.#options = options
    this.#log = log
    this.#transport = transport
    this.#status = new StatusWriter({ transport, log })
    this.#events = new EventWriter({ transport, log, instance: options.podName || 'resty-ingress' })
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
    return new Cluster(options, log, new ApiTransport(client.config))
  }

  /** What the controller finds out goes to the API server. */
  readonly outlets: Omit<Outlets, 'names'> = {
    secrets: (names) => this.#source?.setReferencedSecrets(names),
    findings: (current) => this.#events.report(current),
    served: (key, fragment) => this.#servedNow(key, fragment),
    forgotten: (key) => {
      const name = ingressName(key)
      if (name === undefined) return
      this.#served.delete(name)
      this.#status.forget(name)
    },
  }

  /** Starts to watch; `complete` is called when every kind has been listed once. */
  start(sink: ObjectSink, complete: () => void): void {
    const { configmap } = this.#options
    this.#source = new ClusterSource({
      transport: this.#transport,
      sink,
      log: this.#log,
      watchNamespace: this.#options['watch-namespace'],
      configMaps: configMapsOf(this.#options),
      statuses: { Ingress: this.#status.ingresses.observer, Proxy: this.#status.proxies.observer },
    })
    this.#source.start()
    this.#publisher?.start()
    void this.#source.synced().then(complete)
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

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#source?.stop()
    await Promise.all([this.#publisher?.stop(), this.#status.stop(), this.#events.stop()])
    await this.#transport.close()
  }

  #makePublisher(): AddressPublisher | undefined {
    const origin = this.#options['update-status'] ? addressOrigin(this.#options) : undefined
    if (origin === undefined) return undefined
    const changed = (addresses: readonly Address[]): void => {
      this.#addresses = addresses
      for (const [key, uid] of this.#served) this.#status.desire(key, { uid, addresses })
    }
    return new AddressPublisher({ transport: this.#transport, log: this.#log, origin, changed })
  }

  #servedNow(key: string, { origin: { uid } }: Fragment): void {
    const name = ingressName(key)
    if (name === undefined || this.#publisher === undefined || uid === undefined) return
    this.#served.set(name, uid)
    if (this.#publisher.addresses !== undefined) this.#status.desire(name, { uid, addresses: this.#addresses })
  }
}

/** `namespace/name` of an Ingress by the key of its fragment. */
function ingressName(key: string): string | undefined {
  const [kind, name] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)]
  return kind === 'Ingress' ? name : undefined
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
  return { from: 'node', pod, internal: options['report-node-internal-ip-address'] }
}
