/** What `/metrics` tells: the sidecar's own numbers, and those of the data plane as it gives them. */
import { Gauge, Registry } from 'prom-client'
import type { Controller } from './controller.ts'

/** A registry whose numbers are read from the controller at each scrape; nothing is counted twice. */
export function controllerMetrics(controller: Controller): Registry {
  const registry = new Registry()
  gauge(registry, 'resty_ingress_records', 'Records that OpenResty is to keep.', () => controller.pipeline.records.size)
  gauge(registry, 'resty_ingress_findings', 'Things that are wrong with objects now.', () => controller.findings.size)
  gauge(registry, 'resty_ingress_pushes', 'Pushes of records since the start.', () => controller.pushes.count)
  gauge(registry, 'resty_ingress_pushed_records', 'Records pushed since the start.', () => controller.pushes.records)
  gauge(registry, 'resty_ingress_last_translation_seconds', 'Duration of the last translation of changed objects.', () =>
    controller.translations.lastMs / 1000,
  )
  gauge(registry, 'resty_ingress_last_push_seconds', 'Duration of the last push.', () => controller.pushes.lastMs / 1000)
  gauge(registry, 'resty_ingress_reloads', 'Configurations loaded since the start.', () => controller.generations.loads)
  gauge(registry, 'resty_ingress_ready', 'Every worker has a complete revision.', () =>
    Number(controller.notReady().length === 0),
  )
  const { dataPlane } = controller
  gauge(registry, 'resty_ingress_revision', 'Revision of the records.', () => dataPlane.status?.revision ?? 0)
  gauge(registry, 'resty_ingress_generation', 'Generation of nginx.conf.', () => dataPlane.status?.generation ?? 0)
  certificateExpiry(registry, controller)
  return registry
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read())
      },
    }),
  )
}

/** The name and labels are those of ingress-nginx, so that its alerts work. */
function certificateExpiry(registry: Registry, controller: Controller): void {
  registry.registerMetric(
    new Gauge({
      name: 'nginx_ingress_controller_ssl_expire_time_seconds',
      help: 'When the certificate that a host serves expires, in seconds since the epoch.',
      labelNames: ['host', 'namespace', 'secret_name'],
      registers: [],
      collect() {
        this.reset()
        for (const { host, certificate } of controller.pipeline.virtualHosts.all()) {
          if (certificate === undefined) continue
          const { namespace, name } = certificate
          const result = controller.pipeline.certificates.get(`${namespace}/${name}`)
          if (result !== undefined && 'certificate' in result) {
            this.set({ host, namespace, secret_name: name }, result.certificate.notAfter)
          }
        }
      },
    }),
  )
}
