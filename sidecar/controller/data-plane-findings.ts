/** What is wrong with what OpenResty has of the translation: stages of the findings of their own. */
import { capacityFindings } from '../dataplane/capacity.ts'
import { compressionFindings } from '../dataplane/compression-findings.ts'
import type { DataPlane } from '../dataplane/data-plane.ts'
import { layer4Findings } from '../dataplane/layer4-findings.ts'
import type { RecordKey } from '../dynamic/records.ts'
import type { ObjectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { FindingBook } from './finding-book.ts'
import { RejectedRecords } from './rejected-records.ts'
import type { Obstacles } from './unserved.ts'

/** Each method brings its stages up to date in the book, which its owner settles. */
export class DataPlaneFindings {
  readonly #pipeline: Pipeline
  readonly #dataPlane: DataPlane
  readonly #book: FindingBook
  /** Ours: what is wrong with nobody's object is said of it. */
  readonly #pod: ObjectName
  readonly #rejected: RejectedRecords
  #layer4: readonly Finding[] = []

  constructor(book: FindingBook, pipeline: Pipeline, dataPlane: DataPlane, pod: ObjectName) {
    this.#book = book
    this.#pipeline = pipeline
    this.#dataPlane = dataPlane
    this.#pod = pod
    this.#rejected = new RejectedRecords(pipeline)
  }

  /** What keeps objects from being served as they are now. */
  get obstacles(): Obstacles {
    return { records: this.#rejected.byKey, layer4: this.#layer4 }
  }

  /** OpenResty does not take this record; the book hears of it with what was applied beside it. */
  rejected(key: RecordKey, reason: string): void {
    this.#rejected.add(key, reason)
  }

  /** OpenResty has taken what it takes. */
  applied(): void {
    const rejected = this.#rejected.settle((key) => this.#dataPlane.isApplied(key))
    if (rejected !== undefined) this.#book.set('data plane', rejected)
    this.room()
    this.capabilities()
  }

  /** Whether the records fit. */
  room(): void {
    this.#book.set('capacity', capacityFindings(this.#dataPlane.outOfRoom, this.#pod))
  }

  /** What is wanted of this NGINX, and what it can; nothing before its first answer. */
  capabilities(): void {
    const { status, busyPorts } = this.#dataPlane
    if (status === undefined) return
    const { capabilities } = status
    const { layer4, settings: { settings } } = this.#pipeline
    this.#layer4 = layer4Findings({ layer4, settings, capabilities, busyPorts, pod: this.#pod })
    this.#book.set('layer 4', this.#layer4)
    this.#book.set('compression', compressionFindings(settings, capabilities, this.#pod))
  }
}
