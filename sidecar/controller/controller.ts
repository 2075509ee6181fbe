/**
 * The shell around the pure core: takes objects in, keeps OpenResty in step, tells what is wrong.
 * One direction: sink -> pipeline -> data plane; findings and outcomes go out as data.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import { ControlClient, type LoadedResult } from '../dataplane/client.ts'
import { DataPlane } from '../dataplane/data-plane.ts'
import { createFallbackCertificate } from '../dataplane/fallback-certificate.ts'
import { GenerationBook } from '../dataplane/generation-book.ts'
import type { Finding } from '../ir/origin.ts'
import type { Resolution } from '../ir/types.ts'
import type { RenderedConfig } from '../nginx/render.ts'
import { requestCounting } from '../options/metrics.ts'
import type { Options } from '../options/options.ts'
import { listenersOf, pipelineOptions } from '../options/pipeline.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { DataPlaneFindings } from './data-plane-findings.ts'
import { FindingBook } from './finding-book.ts'
import { FlagConfigMaps } from './flag-config-maps.ts'
import { Instruments } from './instruments.ts'
import { Needs, type NeedOutlets } from './needs.ts'
import { PendingChanges } from './pending-changes.ts'
import { Unserved, type ServingOutlets } from './unserved.ts'

/** What happens with what the controller finds out; each is called with the current whole. */
export interface Outlets extends ServingOutlets, NeedOutlets {
  findings(current: readonly Finding[]): void
}

export class Controller {
  readonly pipeline: Pipeline
  readonly dataPlane: DataPlane
  readonly findings: FindingBook = new FindingBook()
  readonly generations: GenerationBook
  readonly instruments: Instruments = new Instruments()
  readonly pending: PendingChanges = new PendingChanges()
  /** Of its own for scrapes: they never stand in the way of a push. */
  readonly control: ControlClient
  readonly #log: Logger
  readonly #outlets: Outlets
  readonly #unserved: Unserved
  readonly #dataPlaneFindings: DataPlaneFindings
  readonly #trouble = new Map<string, string>()
  readonly #needs: Needs
  readonly #flagConfigMaps: FlagConfigMaps
  #scheduled: NodeJS.Immediate | undefined
  /** Nothing but Secrets and ConfigMaps changed since the last translation. */
  #onlyNeeded = false
  #complete = false
  #started = false
  #leaving = false

  constructor(options: Options, log: Logger, outlets: Outlets) {
    this.#log = log
    this.#outlets = outlets
    this.pipeline = new Pipeline(pipelineOptions(options))
    this.generations = new GenerationBook(this.pipeline)
    const listeners = listenersOf(options)
    const counted = requestCounting(options)
    const counting = counted === undefined ? {} : { counting: counted }
    const { pipeline } = this
    const socket = join(options['run-dir'], 'control.sock')
    this.control = new ControlClient(socket)
    this.dataPlane = new DataPlane(
      new ControlClient(socket),
      {
        records: pipeline.records,
        changed: pipeline.changed,
        classes: () => pipeline.classes(),
        file: (digest) => pipeline.authorityFile(digest),
        config: () => ({ settings: pipeline.settings.settings, listeners, layer4: pipeline.layer4, ...counting }),
      },
      {
        applied: () => this.#applied(),
        rejected: (key, reason) => this.#dataPlaneFindings.rejected(key, reason),
        refused: () => this.#refused(),
        outOfRoom: () => this.#outOfRoom(),
        trouble: (message, details) => this.#troubled(message, details),
        reloaded: (result, config, previous) => this.#reloaded(result, config, previous),
        pushed: (records, milliseconds) => this.#pushed(records, milliseconds),
      },
    )
    const pod = { namespace: options.podNamespace, name: options.podName }
    this.#dataPlaneFindings = new DataPlaneFindings(this.findings, pipeline, this.dataPlane, pod)
    this.#needs = new Needs(pipeline, options, outlets)
    this.#flagConfigMaps = new FlagConfigMaps(pipeline.objects, options, log)
    this.#unserved = new Unserved(pipeline, this.dataPlane, outlets)
  }

  /** Where a source puts its objects. Changes of one turn of the event loop are translated together. */
  readonly sink: ObjectSink = {
    replace: (kind: Kind, objects: readonly KubeObject[], scope?: string) => {
      this.pipeline.objects.replace(kind, objects, scope)
      this.#schedule(kind)
    },
    set: (object: KubeObject) => {
      this.pipeline.objects.set(object)
      this.#schedule(object.kind)
    },
    delete: (kind: Kind, namespace: string, name: string) => {
      this.pipeline.objects.delete(kind, namespace, name)
      this.#schedule(kind)
    },
  }

  /** Makes what has to be there before the first translation; call it once, before anything else. */
  async prepare(): Promise<void> {
    this.pipeline.fallbackCertificate.set('', await createFallbackCertificate(new Date()))
  }

  /** What time it is, for certificates that end. */
  itIs(now: Date): void {
    this.pipeline.now.set('', Math.floor(now.getTime() / 1000))
    this.#schedule()
  }

  /** Every kind has been listed: from now on the translation is complete, and the first push may go. */
  sourceComplete(): void {
    this.#complete = true
    this.#schedule()
  }

  /** The node that we run on is in this zone. */
  inZone(zone: string): void {
    this.pipeline.zone.set('', zone)
    this.#schedule()
  }

  /** What DNS says of a name now. */
  resolved(name: string, resolution: Resolution): void {
    if (!this.#needs.resolved(name, resolution)) return
    this.#schedule()
  }

  /** Findings of a stage outside the pipeline, such as files that cannot be read. */
  report(stage: string, findings: readonly Finding[]): void {
    this.findings.set(stage, findings)
    this.#settleFindings()
  }

  /** Why traffic is not yet, or not fully, what the objects say; empty = ready. */
  notReady(): string[] {
    const { refused } = this.pipeline.settings
    const reasons = []
    if (this.#leaving) reasons.push('shutting down')
    if (!this.#complete) reasons.push('not every kind has been listed yet')
    if (!this.#started && refused !== undefined) reasons.push(`the ConfigMap is refused: ${refused}`)
    if (!this.#started && this.#needs.areObjectsMissing()) reasons.push('not every referenced Secret and ConfigMap has been read yet')
    if (!this.#started && this.#needs.areNamesMissing()) reasons.push('not every external name has been asked for yet')
    if (!this.dataPlane.isReady) reasons.push('OpenResty does not have the first complete revision yet')
    return reasons
  }

  /** This instance is about to end: not ready any more, so that load balancers leave. */
  leave(): void {
    this.#leaving = true
  }

  async close(): Promise<void> {
    // A translation may be due: it would begin to follow OpenResty, and the process would never end.
    clearImmediate(this.#scheduled)
    await this.dataPlane.close()
    await this.control.close()
  }

  #schedule(kind?: Kind): void {
    if (kind !== 'Secret' && kind !== 'ConfigMap') this.#onlyNeeded = false
    if (this.#scheduled !== undefined) return
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined
      if (this.#complete && !this.#waitsForNeeded()) this.#flush()
    })
  }

  /** At the start thousands of Secrets come one by one: they are translated together, with the last of them. */
  #waitsForNeeded(): boolean {
    return !this.#started && this.#onlyNeeded && this.#needs.areObjectsMissing()
  }

  #flush(): void {
    this.#onlyNeeded = true
    const started = performance.now()
    this.pipeline.graph.flush()
    this.#translated(performance.now() - started)
    this.#needs.follow()
    this.findings.set('pipeline', this.pipeline.findings())
    this.findings.set('flags', this.#flagConfigMaps.findings())
    if (!this.#started && this.#mayStart()) {
      this.#started = true
      this.dataPlane.start()
    }
    this.dataPlane.kick()
    this.#settleFindings()
  }

  /** The first push is complete: a push before the certificates were read would show the wrong ones. */
  #mayStart(): boolean {
    const isMissing = this.#needs.areObjectsMissing() || this.#needs.areNamesMissing()
    return this.pipeline.settings.refused === undefined && !isMissing
  }

  #applied(): void {
    this.#trouble.clear()
    this.pending.settle((key) => this.dataPlane.isApplied(key))
    this.#dataPlaneFindings.applied()
    this.#settleFindings()
    this.#settleUnserved()
  }

  #refused(): void {
    this.instruments.refused()
    this.#dataPlaneFindings.capabilities()
    this.#settleFindings()
    this.#settleUnserved()
  }

  #outOfRoom(): void {
    this.#dataPlaneFindings.room()
    this.#settleFindings()
  }

  #settleUnserved(): void {
    // Before the first configuration is loaded, records are there and nobody listens.
    if (this.dataPlane.isReady) this.#unserved.settle(this.#dataPlaneFindings.obstacles)
  }

  #troubled(message: string, details: Readonly<Record<string, unknown>>): void {
    const text = JSON.stringify(details)
    if (this.#trouble.get(message) === text) return
    this.#trouble.set(message, text)
    this.#log.warn(details, message)
  }

  #reloaded(result: LoadedResult, config: RenderedConfig, previous: RenderedConfig | undefined): void {
    const { generation, serving_ms: servingMs, duration_ms: durationMs, reloaded } = result
    const loadedAt = new Date()
    const entry = this.generations.add({ generation, servingMs, durationMs, reloaded, loadedAt, config, previous })
    this.instruments.loaded(entry.causes.map(({ kind }) => kind), durationMs, loadedAt)
    const causes = entry.causes.map((cause) => cause.message)
    this.#log.info({ generation, hash: entry.hash, servingMs, durationMs, reloaded, causes }, 'NGINX runs a new configuration')
  }

  #translated(milliseconds: number): void {
    this.instruments.took('translate', milliseconds)
    this.pending.add(this.pipeline.changed, performance.now())
    this.#log.debug({ at: preciseTime(), milliseconds }, 'objects translated')
  }

  #pushed(records: number, milliseconds: number): void {
    this.instruments.pushed(records, milliseconds)
    this.#log.debug({ at: preciseTime(), records, milliseconds }, 'records pushed')
  }

  #settleFindings(): void {
    const started = performance.now()
    const { appeared, gone } = this.findings.settle()
    this.instruments.took('findings', performance.now() - started)
    for (const finding of appeared) this.#log.warn(logFields(finding), finding.message)
    for (const finding of gone) this.#log.info(logFields(finding), `resolved: ${finding.message}`)
    if (appeared.length + gone.length > 0) this.#outlets.findings(this.findings.all())
  }
}

/** Milliseconds since the epoch with a fraction: the time of the log counts whole ones. */
function preciseTime(): number {
  return performance.timeOrigin + performance.now()
}

function logFields({ origin, reason }: Finding): object {
  const { kind, namespace, name, field } = origin
  return { kind, namespace, name, field, reason }
}
