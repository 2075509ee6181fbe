/** What becomes of our objects' status: addresses of Ingresses, conditions of Proxies. */
import type { Obstacle } from '../controller/unserved.ts'
import type { Fragment, KnownCondition } from '../ir/types.ts'
import { conditionsOf } from '../kube/conditions.ts'
import type { Condition, ConditionsWish } from '../kube/conditions.ts'
import { INGRESS_STATUS } from '../kube/ingress-status.ts'
import type { Addresses } from '../kube/ingress-status.ts'
import type { LeaderApi } from '../kube/leadership.ts'
import type { Logger } from '../kube/logger.ts'
import { PROXY } from '../kube/resource.ts'
import { StatusWriter, type Desired } from '../kube/status.ts'

const PROGRAMMED: KnownCondition = { status: true, reason: 'Programmed', message: 'every worker of OpenResty serves it' }
const NOTHING: KnownCondition = { status: false, reason: 'Invalid', message: 'there is nothing to serve' }

/** Objects are named by the keys of their fragments: `<kind>/<namespace>/<name>`. */
export class ClusterStatus {
  readonly ingresses: StatusWriter<Addresses, Addresses>
  readonly proxies: StatusWriter<ConditionsWish, readonly Condition[]>
  /** uid of each Ingress that is served. */
  readonly #served = new Map<string, string>()
  readonly #conditions = new Map<string, Desired<ConditionsWish>>()
  /** Still served, but their status is for others to write. */
  readonly #handedOver = new Set<string>()
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
    for (const key of this.#served.keys()) this.#wish(key)
  }

  /** Every worker serves this object. */
  served(key: string, fragment: Fragment): void {
    const { conditions, origin } = fragment
    if (origin.kind === 'Ingress' && origin.uid !== undefined) this.#served.set(key, origin.uid)
    this.#programmed(key, fragment, conditions?.accepted.reason === NOTHING.reason ? NOTHING : PROGRAMMED)
    this.#wish(key)
  }

  /** OpenResty does not take this object as it is now; what it had before goes on. */
  refused(key: string, fragment: Fragment, { reason, message }: Obstacle): void {
    this.#programmed(key, fragment, { status: false, reason, message })
    this.#wish(key)
  }

  /** This object is gone, or not ours any more: whatever its status says stays. */
  forgotten(key: string): void {
    this.#forget(key)
    this.#handedOver.delete(key)
    this.#served.delete(key)
    this.#conditions.delete(key)
  }

  /** The status of this object is for others to write from now on, though we serve it. */
  handOver(key: string): void {
    this.#handedOver.add(key)
    this.#forget(key)
  }

  /** It is for us to write again. */
  takeBack(key: string): void {
    this.#handedOver.delete(key)
    this.#wish(key)
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
      if (written.has(nameOf(key))) this.ingresses.desire(nameOf(key), { uid, wish: [] })
      else this.#forget(key)
    }
    this.#addresses = undefined
    await this.ingresses.idle()
  }

  async stop(): Promise<void> {
    await Promise.all([this.ingresses.stop(), this.proxies.stop()])
  }

  /** Of a kind whose status has conditions. */
  #programmed(key: string, { origin: { uid }, conditions }: Fragment, programmed: KnownCondition): void {
    if (uid === undefined || conditions === undefined) return
    const { generation, accepted, resolvedRefs } = conditions
    const wish: ConditionsWish = {
      ...(generation === undefined ? {} : { generation }),
      conditions: { Accepted: accepted, ResolvedRefs: resolvedRefs, Programmed: programmed },
    }
    this.#conditions.set(key, { uid, wish })
  }

  /** Hands what is known of an object to its writer. */
  #wish(key: string): void {
    if (this.#handedOver.has(key)) return
    const uid = this.#served.get(key)
    const addresses = this.#addresses
    if (uid !== undefined && addresses !== undefined) this.ingresses.desire(nameOf(key), { uid, wish: addresses })
    const conditions = this.#conditions.get(key)
    if (conditions !== undefined) this.proxies.desire(nameOf(key), conditions)
  }

  #forget(key: string): void {
    if (this.#served.has(key)) this.ingresses.forget(nameOf(key))
    if (this.#conditions.has(key)) this.proxies.forget(nameOf(key))
  }
}

/** `namespace/name`. */
function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}
