/** The records that OpenResty refused, each as a finding about the object that it is mainly made of. */
import type { RecordKey } from '../dynamic/records.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'

export class RejectedRecords {
  readonly #hosts: Pipeline['virtualHosts']
  readonly #byKey = new Map<RecordKey, Finding>()

  constructor({ virtualHosts }: Pipeline) {
    this.#hosts = virtualHosts
  }

  get byKey(): ReadonlyMap<RecordKey, Finding> {
    return this.#byKey
  }

  add(key: RecordKey, reason: string): void {
    const message = `OpenResty refused the record ${key}, its last good one stays: ${reason}`
    this.#byKey.set(key, { origin: this.#originOf(key), severity: 'error', reason: 'RecordRejected', message })
  }

  /** Forgets those of which OpenResty has what is wanted by now. The findings, when there were any before. */
  settle(isApplied: (key: RecordKey) => boolean): readonly Finding[] | undefined {
    if (this.#byKey.size === 0) return undefined
    for (const key of this.#byKey.keys()) if (isApplied(key)) this.#byKey.delete(key)
    return [...this.#byKey.values()]
  }

  #originOf(key: RecordKey): Origin {
    const [kind, first = '', second = ''] = key.split('/')
    const route = kind === 'host' ? this.#hosts.get(second)?.routes[0] : undefined
    if (route !== undefined) return route.origin
    return { kind: kind === 'certificate' ? 'Secret' : 'Service', namespace: first, name: second, field: '' }
  }
}
