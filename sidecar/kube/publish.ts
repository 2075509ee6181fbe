/**
 * Finds the addresses that go into the status of Ingresses, in the order of ingress-nginx: the list of
 * `--publish-status-address`, else what the Service of `--publish-service` shows, else the node we run on.
 */
import type { ObjectName } from '../ir/object-name.ts'
import { canonical, loadBalancerAddresses, parseAddress, sameAddresses } from './address.ts'
import type { Address } from './address.ts'
import { ApiError, asError } from './errors.ts'
import { TroubleLog } from './logger.ts'
import type { Logger } from './logger.ts'
import { nodeOfPod } from './node.ts'
import { Reflector, newCounters } from './reflector.ts'
import type { ReflectorTiming } from './reflector.ts'
import { NODE, POD, SERVICE, asRawObject, collectionPath, objectPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import { retrying } from './retry.ts'
import type { RetryTiming } from './retry.ts'
import type { ApiTransport } from './transport.ts'
import { realWait } from './wait.ts'

export type AddressOrigin =
  | { readonly from: 'list'; readonly addresses: readonly Address[] }
  | { readonly from: 'service'; readonly service: ObjectName }
  /** `internal`: report the InternalIP even where the node has an ExternalIP. */
  | { readonly from: 'node'; readonly pod: ObjectName; readonly internal: boolean }

export interface AddressPublisherOptions {
  readonly transport: ApiTransport
  readonly log: Logger
  readonly origin: AddressOrigin
  /** Called with the first addresses and with each change; empty: there are none (yet). */
  readonly changed: (addresses: readonly Address[]) => void
  readonly timing?: Partial<ReflectorTiming>
}

const DEFAULT_TIMING: RetryTiming = { backoffMin: 500, backoffMax: 30_000, wait: realWait }
/** Milliseconds, as in ingress-nginx. */
const NODE_INTERVAL = 60_000
const READABLE = 'the addresses to publish can be read'

export class AddressPublisher {
  readonly #options: AddressPublisherOptions
  readonly #timing: RetryTiming
  readonly #troubles: TroubleLog
  readonly #stop = new AbortController()
  #reflector: Reflector<RawObject> | undefined
  #current: readonly Address[] | undefined
  #started: Promise<void> | undefined

  constructor(options: AddressPublisherOptions) {
    this.#options = options
    this.#timing = { ...DEFAULT_TIMING, ...options.timing }
    this.#troubles = new TroubleLog(options.log)
  }

  /** undefined: not known yet. */
  get addresses(): readonly Address[] | undefined {
    return this.#current
  }

  start(): void {
    this.#started ??= this.#begin().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#report(asError(error))
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#started
    await this.#reflector?.stop()
  }

  async #begin(): Promise<void> {
    const { origin } = this.#options
    switch (origin.from) {
      case 'list':
        return this.#publish(origin.addresses)
      case 'service':
        return this.#followService(origin.service)
      case 'node':
        return this.#pollNode(origin.pod, origin.internal)
    }
  }

  /** Looks at the node of the pod again and again: reading one by name needs less than the right to watch. */
  async #pollNode(pod: ObjectName, internal: boolean): Promise<void> {
    const { signal } = this.#stop
    const name = await this.#retrying(() => this.#nodeName(pod))
    while (!signal.aborted) {
      const node = await this.#retrying(() => this.#read(objectPath(NODE, '', name)))
      this.#publish(nodeAddresses(node, internal))
      await this.#timing.wait(NODE_INTERVAL, signal)
    }
  }

  /** A pod never changes its node, but it may not be visible to us yet. */
  async #nodeName({ namespace, name }: ObjectName): Promise<string> {
    return nodeOfPod(await this.#read(objectPath(POD, namespace, name)))
  }

  async #read(path: string): Promise<RawObject> {
    const answer = asRawObject(await this.#options.transport.json({ path, signal: this.#stop.signal }))
    this.#troubles.clear('read', READABLE)
    return answer
  }

  #retrying<T>(task: () => Promise<T>): Promise<T> {
    const { signal } = this.#stop
    return retrying(task, { timing: this.#timing, signal, failed: (error) => this.#report(error) })
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
      observer: {
        trouble: (error) => this.#report(error),
        healthy: () => this.#troubles.clear('read', READABLE),
        sinkFailed: (error) => this.#report(error),
      },
      counters: newCounters(),
      ...(timing === undefined ? {} : { timing }),
    })
    this.#reflector.start()
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

interface ServiceSpec {
  readonly type?: unknown
  readonly clusterIP?: unknown
  readonly externalName?: unknown
  readonly externalIPs?: unknown
}

/** As in ingress-nginx: by the type of the Service; external IPs come on top of those of a load balancer. */
export function serviceAddresses(service: RawObject): readonly Address[] {
  const { type, clusterIP, externalName, externalIPs } = (service['spec'] ?? {}) as ServiceSpec
  const external = toAddresses(Array.isArray(externalIPs) ? (externalIPs as unknown[]) : [])
  switch (type) {
    case 'ExternalName':
      return toAddresses([externalName])
    case 'LoadBalancer':
      return [...loadBalancerAddresses(service['status']), ...external]
    case 'NodePort':
      return external.length > 0 ? external : toAddresses([clusterIP])
    default:
      return toAddresses([clusterIP])
  }
}

interface NodeAddress {
  readonly type?: unknown
  readonly address?: unknown
}

/** The first ExternalIP, else the first InternalIP, as in ingress-nginx. */
export function nodeAddresses(node: RawObject, internal: boolean): readonly Address[] {
  const { addresses } = (node['status'] ?? {}) as { readonly addresses?: unknown }
  const all = (Array.isArray(addresses) ? addresses : []) as NodeAddress[]
  const types = internal ? ['InternalIP'] : ['ExternalIP', 'InternalIP']
  const found = types.flatMap((type) => all.filter((each) => each.type === type && each.address !== ''))
  return toAddresses(found.slice(0, 1).map(({ address }) => address))
}

/** `None` of a headless Service is neither an address nor a host that anyone can reach. */
function toAddresses(values: readonly unknown[]): readonly Address[] {
  const words = values.filter((value) => typeof value === 'string' && value !== 'None')
  return words.flatMap((word) => parseAddress(word as string) ?? [])
}
