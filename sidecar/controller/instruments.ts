/** What the controller counts and times itself, for `/metrics`. Durations in seconds, of a clock of microseconds. */
import { Counter, Histogram, Registry } from 'prom-client'

/** From 50 us, a small change, to 10 s, a whole cluster. */
const DURATIONS = [5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** `translate`: objects to records. `findings`: what is new of what is wrong. `push`: records to OpenResty. */
export type Stage = 'translate' | 'findings' | 'push' | 'reload'

export class Instruments {
  readonly registry: Registry = new Registry()
  readonly #stages: Histogram<'stage'>
  readonly #pushedRecords: Counter
  readonly #loads: Counter<'result' | 'cause'>
  /** Of the last configuration that was to be loaded; undefined: none yet. */
  #lastLoad: { readonly succeeded: boolean } | undefined
  #lastSuccess = 0
  #succeeded = 0
  #failed = 0

  constructor() {
    const registers = [this.registry]
    this.#stages = new Histogram({
      name: 'resty_ingress_stage_duration_seconds', help: 'Durations of the steps from a change to OpenResty.',
      labelNames: ['stage'], buckets: DURATIONS, registers,
    })
    this.#pushedRecords = new Counter({ name: 'resty_ingress_pushed_records_total', help: 'Records that were pushed.', registers })
    this.#loads = new Counter({
      name: 'resty_ingress_config_loads_total',
      help: 'Configurations that NGINX loaded, by the kinds of their causes (one with several counts for each), or refused.',
      labelNames: ['result', 'cause'], registers,
    })
  }

  /** A step took so many milliseconds. */
  took(stage: Stage, milliseconds: number): void {
    this.#stages.observe({ stage }, milliseconds / 1000)
  }

  pushed(records: number, milliseconds: number): void {
    this.took('push', milliseconds)
    this.#pushedRecords.inc(records)
  }

  loaded(causes: Iterable<string>, milliseconds: number, at: Date): void {
    this.took('reload', milliseconds)
    for (const cause of new Set(causes)) this.#loads.inc({ result: 'success', cause })
    this.#lastLoad = { succeeded: true }
    this.#lastSuccess = at.getTime() / 1000
    this.#succeeded += 1
  }

  refused(): void {
    this.#loads.inc({ result: 'refused', cause: '' })
    this.#lastLoad = { succeeded: false }
    this.#failed += 1
  }

  get loads(): { succeeded: number; failed: number; lastSucceeded: boolean; lastSuccess: number } {
    return {
      succeeded: this.#succeeded,
      failed: this.#failed,
      lastSucceeded: this.#lastLoad?.succeeded === true,
      lastSuccess: this.#lastSuccess,
    }
  }
}
