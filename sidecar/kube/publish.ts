/**
 * Finds the addresses that go into the status of Ingresses, in the order of ingress-nginx: the list of
 * `--publish-status-address`, else what the Service of `--publish-service` shows, else all nodes we run on.
 */
import type { ObjectName } from '../ir/object-name.ts'
import { canonical, sameAddresses, serviceAddresses } from './address.ts'
import type { Address } from './address.ts'
import { ApiError } from './errors.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import { Reflector, newCounters } from './reflector.ts'
import type { ReflectorObserver, ReflectorTiming } from './reflector.ts'
import { ReplicaNodes } from './replica-nodes.ts'
import { SERVICE, collectionPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiTransport } from './transport.ts'
import { realWait } from './wait.ts'

export type AddressOrigin =
  | { readonly from: 'list'; readonly addresses: readonly Address[] }
  | { readonly from: 'service'; readonly service: ObjectName }
  /** `pod`: our own. `internal`: report the InternalIP even where a node has an ExternalIP. */
  | { readonly from: 'nodes'; readonly pod: ObjectName; readonly internal: boolean }

export interface AddressPublisherOptions {
  readonly transport: ApiTransport
  readonly log: Logger
  readonly origin: AddressOrigin
  /** Called with the first addresses and with each change; empty: there are none (yet). */
  readonly changed: (addresses: readonly Address[]) => void
  /** Milliseconds between two looks at the nodes. */
  readonly interval: number
  readonly timing?: Partial<ReflectorTiming>
}

const RETRY: RetryTiming = { backoffMin: 500, backoffMax: 30_000, wait: realWait }
const READABLE = 'the addresses to publish can be read'

export class AddressPublisher {
  readonly #options: AddressPublisherOptions
  readonly #troubles: TroubleLog
  #reflector: Reflector<RawObject> | undefined
  #nodes: ReplicaNodes | undefined
  #running: Promise<void> | undefined
  #current: readonly Address[] | undefined

  constructor(options: AddressPublisherOptions) {
    this.#options = options
    this.#troubles = new TroubleLog(options.log)
  }

  start(): void {
    const { origin } = this.#options
    switch (origin.from) {
      case 'list':
        return this.#publish(origin.addresses)
      case 'service':
        return this.#followService(origin.service)
      case 'nodes':
        return this.#followNodes(origin.pod, origin.internal)
    }
  }

  /** Nothing more is published. */
  async stop(): Promise<void> {
    this.#nodes?.stop()
    await this.#running
    await this.#reflector?.stop()
  }

  #followNodes(pod: ObjectName, internal: boolean): void {
    const { transport, interval, timing } = this.#options
    this.#nodes = new ReplicaNodes({
      transport,
      pod,
      internal,
      interval,
      observer: this.#observer,
      found: (addresses) => this.#publish(addresses),
      retry: { ...RETRY, ...timing },
      ...(timing === undefined ? {} : { timing }),
    })
    this.#running = this.#nodes.run()
  }

  #followService(service: ObjectName): void {
    const { transport, timing } = this.#options
    // What was published stays: a Service that is replaced must not empty every status for a moment.
    const gone = (): void => {
      this.#troubles.report('missing', service, 'there is no Service to take addresses from')
    }
    const found = (object: RawObject): void => {
      this.#troubles.clear('missing', 'the Service to take addresses from is there')
      this.#publish(serviceAddresses(object))
    }
    this.#reflector = new Reflector<RawObject>({
      transport,
      path: collectionPath(SERVICE, service.namespace),
      fieldSelector: `metadata.name=${service.name}`,
      keep: (raw) => raw,
      sink: {
        replace: ([object]) => (object === undefined ? gone() : found(object)),
        set: found,
        delete: gone,
      },
      observer: this.#observer,
      counters: newCounters(),
      ...(timing === undefined ? {} : { timing }),
    })
    this.#reflector.start()
  }

  readonly #observer: ReflectorObserver = {
    trouble: (error) => this.#report(error),
    healthy: () => this.#troubles.clear('read', READABLE),
    sinkFailed: (error) => this.#report(error),
  }

  #publish(addresses: readonly Address[]): void {
    const sorted = canonical(addresses)
    if (this.#current !== undefined && sameAddresses(this.#current, sorted)) return
    this.#current = sorted
    this.#options.changed(sorted)
  }

  #report(error: Error): void {
    const denied = error instanceof ApiError && error.status === 403
    const cannot = denied ? 'RBAC does not allow to read' : 'cannot read'
    const fields = { err: error, origin: this.#options.origin }
    this.#troubles.report('read', fields, `${cannot} the addresses for the status of Ingresses; retrying`)
  }
}
