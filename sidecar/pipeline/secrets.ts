/** What Secrets become beside the certificates of hosts: users, authorities of clients, and the time that is left. */
import type { Collection, Graph, Source } from '../collection/graph.ts'
import { authorityKey, type DataRecord } from '../dynamic/records.ts'
import { objectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import { AuthorityPipeline, type AuthorityInputs } from './authorities.ts'
import { ExpiryPipeline, type Expiring, type ExpiryInputs } from './expiry.ts'
import { HtpasswdPipeline, type HtpasswdInputs } from './htpasswd.ts'

type Emit = <R extends DataRecord>(records: Collection<R>, recordKey: (key: string) => string) => void
type Collect = <V extends { readonly findings: readonly Finding[] }>(stage: string, collection: Collection<V>) => void

export class SecretPipelines {
  readonly #htpasswd: HtpasswdPipeline
  readonly #authorities: AuthorityPipeline
  readonly #expiry: ExpiryPipeline

  constructor(graph: Graph, inputs: HtpasswdInputs & AuthorityInputs & ExpiryInputs) {
    this.#htpasswd = new HtpasswdPipeline(graph, inputs)
    this.#authorities = new AuthorityPipeline(graph, inputs)
    this.#expiry = new ExpiryPipeline(graph, inputs)
  }

  /** Under '': the time, in seconds since 1970. */
  get now(): Source<number> {
    return this.#expiry.now
  }

  /** What in use has an end. */
  *expiring(): Generator<Expiring> {
    for (const { expiring } of [...this.#expiry.ofHosts.all(), ...this.#expiry.ofDefault.all()]) {
      if (expiring !== undefined) yield expiring
    }
  }

  emit(give: Emit): void {
    give(this.#htpasswd.records, (name) => `htpasswd/${name}`)
    give(this.#authorities.records, (key) => authorityKey(objectName(key)))
  }

  collect(take: Collect): void {
    take('htpasswd', this.#htpasswd.readings)
    take('authority', this.#authorities.readings)
    take('expiry', this.#expiry.ofHosts)
    take('expiry of default', this.#expiry.ofDefault)
  }
}
