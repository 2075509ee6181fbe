/** The objects that OpenResty does not serve yet as they are now: each is told when it does, or why it does not. */
import type { DataPlane } from '../dataplane/data-plane.ts'
import { hostKey, type RecordKey } from '../dynamic/records.ts'
import { isSameObject, type Finding } from '../ir/origin.ts'
import type { Fragment } from '../ir/types.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { routedHosts } from '../snapshot/by-host.ts'
import { portsOf } from '../snapshot/streams.ts'

/** Why something is not served, in a word and a sentence. */
export type Obstacle = Pick<Finding, 'reason' | 'message'>

/** `key`: `<kind>/<namespace>/<name>`. */
export interface ServingOutlets {
  /** Every worker serves every host and port of this object of ours. */
  served(key: string, fragment: Fragment): void
  /** OpenResty does not take this object of ours as it is now. */
  refused(key: string, fragment: Fragment, why: Obstacle): void
  /** This object is gone, or not ours any more. */
  forgotten(key: string): void
}

/** What stands in the way now. */
export interface Obstacles {
  readonly records: ReadonlyMap<RecordKey, Finding>
  /** Of layer 4, about the objects that are affected. */
  readonly layer4: readonly Finding[]
}

export class Unserved {
  readonly #pipeline: Pipeline
  readonly #dataPlane: DataPlane
  readonly #outlets: ServingOutlets
  readonly #keys = new Set<string>()

  constructor(pipeline: Pipeline, dataPlane: DataPlane, outlets: ServingOutlets) {
    this.#pipeline = pipeline
    this.#dataPlane = dataPlane
    this.#outlets = outlets
    pipeline.fragments.subscribe((key, fragment) => this.#changed(key, fragment))
  }

  /** Tells of each object what has become of it. */
  settle(obstacles: Obstacles): void {
    for (const key of this.#keys) {
      const fragment = this.#pipeline.fragments.get(key)
      if (fragment !== undefined) this.#settleOne(key, fragment, obstacles)
    }
  }

  #changed(key: string, fragment: Fragment | undefined): void {
    this.#keys.delete(key)
    if (fragment === undefined) this.#outlets.forgotten(key)
    else this.#keys.add(key)
  }

  #settleOne(key: string, fragment: Fragment, { records, layer4 }: Obstacles): void {
    const missing = routedHosts(fragment).map(hostKey).filter((record) => !this.#dataPlane.isApplied(record))
    const isListening = portsOf(fragment).every((port) => this.#dataPlane.listensOn(port))
    if (missing.length === 0 && isListening) {
      this.#keys.delete(key)
      this.#outlets.served(key, fragment)
      return
    }
    const rejected = missing.map((record) => records.get(record)).find((finding) => finding !== undefined)
    const why = rejected ?? layer4.find(({ origin }) => !isListening && isSameObject(origin, fragment.origin))
    if (why !== undefined) this.#outlets.refused(key, fragment, why)
  }
}
