/** What becomes of our objects' status: addresses of Ingresses, conditions of Proxies. */
import type { Fragment, KnownCondition } from './ir/types.ts'
import { conditionsOf } from './kube/conditions.ts'
import type { Condition, ConditionsWish } from './kube/conditions.ts'
import { INGRESS_STATUS } from './kube/ingress-status.ts'
import type { Addresses } from './kube/ingress-status.ts'
import type { LeaderApi } from './kube/leadership.ts'
import type { Logger } from './kube/logger.ts'
import { PROXY } from './kube/resource.ts'
import { StatusWriter } from './kube/status.ts'

/** What is known of an object once it has met OpenResty. */
const PROGRAMMED: KnownCondition = { status: true, reason: 'Programmed', message: 'every worker of OpenResty serves it' }
const NOTHING: KnownCondition = { status: false, reason: 'Invalid', message: 'there is nothing to serve' }

export class ClusterStatus {
  readonly ingresses: StatusWriter<Addresses, Addresses>
  readonly proxies: StatusWriter<ConditionsWish, readonly Condition[]>
  /** uid of each Ingress that is served. */
  readonly #served = new Map<string, string>()
  /** undefined: not known yet, or not to be written. */
  #addresses: Addresses | undefined

  /** `rest`: milliseconds before what somebody else wrote is written over. */
  constructor(api: LeaderApi, { log, rest }: { readonly log: Logger; readonly rest: number }) {
    const options = { api, log, timing: { rest } }
    this.ingresses = new StatusWriter({ kind: INGRESS_STATUS, ...options })
    this.proxies = new StatusWriter({ kind: conditionsOf(PROXY), ...options })
  }

  /** The addresses at which all that is served can be reached from now on. */
  publish(addresses: Addresses): void {
    this.#addresses = addresses
    for (const [key, uid] of this.#served) this.ingresses.desire(key, { uid, wish: addresses })
  }

  /** Every worker serves this object. */
  served(key: string, fragment: Fragment): void {
    this.#settle(key, fragment, fragment.conditions?.accepted.reason === NOTHING.reason ? NOTHING : PROGRAMMED)
    const name = nameOf('Ingress', key)
    const { uid } = fragment.origin
    if (name === undefined || uid === undefined) return
    this.#served.set(name, uid)
    if (this.#addresses !== undefined) this.ingresses.desire(name, { uid, wish: this.#addresses })
  }

  /** OpenResty does not take this object as it is now; what it had before goes on. */
  refused(key: string, fragment: Fragment, message: string): void {
    this.#settle(key, fragment, { status: false, reason: 'RecordRejected', message })
  }

  /** This object is gone, or not ours any more: whatever its status says stays. */
  forgotten(key: string): void {
    const ingress = nameOf('Ingress', key)
    if (ingress !== undefined) {
      this.#served.delete(ingress)
      this.ingresses.forget(ingress)
    }
    const proxy = nameOf('Proxy', key)
    if (proxy !== undefined) this.proxies.forget(proxy)
  }

  /** This replica leads from now on. */
  resume(): void {
    this.ingresses.resume()
    this.proxies.resume()
  }

  /** Nobody serves any more: takes back the addresses that we have written. Resolves when that is done. */
  async withdraw(): Promise<void> {
    const written = new Set(this.ingresses.satisfied())
    for (const [key, uid] of this.#served) {
      if (written.has(key)) this.ingresses.desire(key, { uid, wish: [] })
      else this.ingresses.forget(key)
    }
    this.#addresses = undefined
    await this.ingresses.idle()
  }

  async stop(): Promise<void> {
    await Promise.all([this.ingresses.stop(), this.proxies.stop()])
  }

  #settle(key: string, { origin: { uid }, conditions }: Fragment, programmed: KnownCondition): void {
    const name = nameOf('Proxy', key)
    if (name === undefined || uid === undefined || conditions === undefined) return
    const { generation, accepted, resolvedRefs } = conditions
    const wish: ConditionsWish = {
      ...(generation === undefined ? {} : { generation }),
      conditions: { Accepted: accepted, ResolvedRefs: resolvedRefs, Programmed: programmed },
    }
    this.proxies.desire(name, { uid, wish })
  }
}

/** `namespace/name` in the key of a fragment of that kind. */
function nameOf(kind: 'Ingress' | 'Proxy', key: string): string | undefined {
  return key.startsWith(`${kind}/`) ? key.slice(kind.length + 1) : undefined
}
