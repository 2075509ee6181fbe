/** `/metrics`: what the sidecar knows, and what OpenResty tells of itself and of requests. */
import { setImmediate } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { requestMetrics, type RequestMetricsOptions } from './exposition.ts'
import { processMetrics, type Processes } from './processes.ts'
import { parseRequestSeries, type RequestSeries } from './request-series.ts'

/** Who knows the numbers of OpenResty; each call rejects when it does not answer in time. */
export interface DataPlaneMetrics {
  /** Prometheus text. */
  metrics(): Promise<string>
  processes(): Promise<Readonly<Record<string, unknown>>>
  /** The body of `GET /v1/requests`. */
  requests(): Promise<Buffer>
}

export interface MetricsOptions {
  readonly registry: Registry
  readonly dataPlane: DataPlaneMetrics
  /** Labels of everything that is about this controller. */
  readonly labels: Readonly<Record<string, string>>
  /** Undefined: requests are not counted. */
  readonly requests: RequestMetricsOptions | undefined
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** The page piece by piece. What OpenResty does not tell in time is missing, and a gauge says so. */
export async function* metricsPage(options: MetricsOptions): AsyncGenerator<string> {
  const own = options.registry.metrics()
  const theirs = await ask(options).catch(() => undefined)
  yield `${await own}\n${upText(theirs !== undefined)}`
  if (theirs === undefined) return
  yield theirs.text
  yield processMetrics(theirs.processes, options.labels)
  if (theirs.requests === undefined || options.requests === undefined) return
  for (const piece of requestMetrics(theirs.requests, options.requests)) {
    yield piece
    // Nothing waits for a scrape: least of all a push.
    await setImmediate()
  }
}

interface OfDataPlane {
  readonly text: string
  readonly processes: Processes
  readonly requests: RequestSeries | undefined
}

async function ask({ dataPlane, requests }: MetricsOptions): Promise<OfDataPlane> {
  const [text, processes, bytes] = await Promise.all([
    dataPlane.metrics(),
    dataPlane.processes(),
    requests === undefined ? undefined : dataPlane.requests(),
  ])
  return {
    text,
    processes: processes as unknown as Processes,
    requests: bytes === undefined ? undefined : await parseRequestSeries(bytes),
  }
}

function upText(isUp: boolean): string {
  const name = 'resty_ingress_data_plane_up'
  return `# HELP ${name} OpenResty answered this scrape.\n# TYPE ${name} gauge\n${name} ${Number(isUp)}\n`
}
