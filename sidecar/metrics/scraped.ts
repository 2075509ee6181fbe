/** Metrics that are read from somewhere at each scrape, so that nothing is counted twice. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface Scraped {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
}

type Labels = Readonly<Record<string, string>>

/** `fill` sets all its values anew. */
export function scrapedGauge(registry: Registry, options: Scraped, fill: (gauge: Gauge) => void): void {
  const gauge = new Gauge({
    ...options,
    registers: [],
    collect() {
      this.reset()
      fill(this)
    },
  })
  registry.registerMetric(gauge)
}

interface LabelledCounter {
  readonly name: string
  readonly help: string
  readonly labels: Labels
}

/** A number that somebody else counts. */
export function scrapedCounter(registry: Registry, options: LabelledCounter, read: () => number): void {
  const counter = new Counter({
    name: options.name,
    help: options.help,
    labelNames: Object.keys(options.labels),
    registers: [],
    collect() {
      this.reset()
      this.inc(options.labels, read())
    },
  })
  registry.registerMetric(counter)
}
