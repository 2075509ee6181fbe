/** What `/metrics` tells, and from where. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Controller } from '../controller/controller.ts'
import { objectName } from '../ir/object-name.ts'
import { requestCounting } from '../options/metrics.ts'
import type { Options } from '../options/options.ts'
import { ingressNginxMetrics } from './ingress-nginx.ts'
import type { MetricsOptions } from './page.ts'
import { scrapedGauge } from './scraped.ts'

export interface Program {
  readonly version: string
  /** This replica writes status and Events. */
  readonly isLeading: () => boolean
}

/** All registries of this process, and what OpenResty is asked for, for `/metrics`. */
export function metricsOptions(controller: Controller, options: Options, program: Program): MetricsOptions {
  const labels = {
    controller_class: options['controller-class'],
    controller_namespace: options.podNamespace || 'default',
    controller_pod: options.podName,
  }
  const counting = requestCounting(options)
  const process = new Registry()
  collectDefaultMetrics({ register: process })
  const own = [controller.instruments.registry, stateMetrics(controller), process]
  return {
    registry: Registry.merge([...own, ingressNginxMetrics(controller, { labels, election: options['election-id'], ...program })]),
    labels,
    dataPlane: controller.control,
    requests: counting === undefined ? undefined : { labels, perHost: counting.perHost, excluded: counting.excluded },
  }
}

/** Numbers that are read from the controller at each scrape; nothing is counted twice. */
function stateMetrics(controller: Controller): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number): void =>
    scrapedGauge(registry, { name, help }, (it) => it.set(read()))
  gauge('resty_ingress_desired_records', 'Records that OpenResty is to keep.', () => controller.pipeline.records.size)
  gauge('resty_ingress_pending_records', 'Records that changed and that OpenResty does not have yet.', () =>
    controller.pending.size,
  )
  gauge('resty_ingress_pending_age_seconds', 'Age of the oldest change that OpenResty does not have yet.', () =>
    controller.pending.age(performance.now()) / 1000,
  )
  gauge('resty_ingress_dictionary_full', 'OpenResty has no room for the newest records, 1 or 0.', () =>
    Number(controller.dataPlane.outOfRoom !== undefined),
  )
  gauge('resty_ingress_ready', 'Every worker has a complete revision.', () => Number(controller.notReady().length === 0))
  const findings = { name: 'resty_ingress_findings', help: 'Things that are wrong with objects now.', labelNames: ['severity', 'reason'] }
  scrapedGauge(registry, findings, (it) => {
    for (const { severity, reason } of controller.findings.all()) it.inc({ severity, reason })
  })
  addExpiry(registry, controller)
  return registry
}

/** Beside those of ingress-nginx, which are of hosts alone: authorities, and what backends see. */
function addExpiry(registry: Registry, { pipeline }: Controller): void {
  const help = 'When the first certificate in a key of a Secret ends, in seconds since 1970, by what it is used for.'
  const gauge = { name: 'resty_ingress_certificate_expire_time_seconds', help, labelNames: ['namespace', 'secret', 'use'] }
  scrapedGauge(registry, gauge, (it) => {
    for (const { secret, use, periods } of pipeline.expiring()) {
      const { namespace, name } = objectName(secret)
      it.set({ namespace, secret: name, use }, Math.min(...periods.map(({ notAfter }) => notAfter)))
    }
  })
}
