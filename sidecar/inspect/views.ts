/** What the admin API shows of a running controller beside its lists. */
import type { InspectionViews, StatusView } from '../api/inspection.ts'
import type { Controller } from '../controller/controller.ts'
import type { HealthReport } from '../dataplane/client.ts'
import { explain, type BackendHealth, type RouteNotes } from '../explain/explain.ts'
import { leftOut } from '../pipeline/left-out.ts'

/** `version`: of this program. Each call looks at what is there now. */
export function inspectionViews(controller: Controller, version: string): InspectionViews {
  const { pipeline, dataPlane, control } = controller
  return {
    records: () => pipeline.records,
    isApplied: (key) => dataPlane.isApplied(key),
    explain: async (request) => {
      const health = await control.health().then(healthByBackend, () => undefined)
      return explain(request, {
        records: pipeline.records,
        notes: (host): readonly RouteNotes[] => pipeline.virtualHosts.get(host)?.routes ?? [],
        findings: controller.findings.all(),
        ...(health === undefined ? {} : { health }),
      })
    },
    config: () => control.runningConfig(),
    status: () => statusView(controller, version),
  }
}

async function statusView(controller: Controller, version: string): Promise<StatusView> {
  const reasons = controller.notReady()
  const openresty = await controller.control.status().catch(() => undefined)
  return {
    version,
    ready: reasons.length === 0,
    reasons,
    records: controller.pipeline.records.size,
    findings: controller.findings.all().length,
    leftOut: leftOut(controller.pipeline),
    ...(openresty === undefined ? {} : { openresty: { ...openresty } }),
  }
}

function healthByBackend({ ejected, unhealthy }: HealthReport): ReadonlyMap<string, BackendHealth> {
  const byBackend = new Map<string, Map<string, string>>()
  const add = ({ backend, address, port }: HealthReport['unhealthy'][number], text: string): void => {
    const known = byBackend.get(backend) ?? new Map<string, string>()
    byBackend.set(backend, known.set(`${address.includes(':') ? `[${address}]` : address}:${port}`, text))
  }
  for (const it of unhealthy) add(it, `unhealthy (${it.reason})`)
  for (const it of ejected) add(it, `ejected (${it.reason}) until ${new Date(it.until_time * 1000).toISOString()}`)
  return byBackend
}
