/** Reloads by location classes that are new, while a load client counts what it costs the requests. */
import type { GenerationView } from '../../../sidecar/dataplane/generation.ts'
import { describeFailure, startLoad } from '../../load/load.ts'
import type { LoadReport, LoopReport } from '../../load/types.ts'
import { ingressOf } from '../../scenarios/workload.ts'
import type { BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report, Table } from '../report.ts'
import { quantile, rounded } from '../statistics.ts'
import { NAMESPACE, SERVICE, startRig, type Rig } from './rig.ts'

const HOST = 'reload.example'
const REQUESTS_PER_SECOND = 500
const CONNECTIONS = 16
/** Between reloads: old workers, and connections that were told to close, are part of what is measured. */
const REQUESTS_BETWEEN = 500
const SMALLEST_KILOBYTES = 2048

/** What the control API says, in milliseconds from the signal on: as in `GenerationView`. */
type Durations = Pick<GenerationView, 'servingMs' | 'durationMs'>

export interface Reload extends Durations {
  /** From the write of the Ingress to a configuration that runs. */
  readonly total: number
}

export async function reload(options: BenchOptions): Promise<Report> {
  const rig = await startRig(options)
  try {
    await applyClass(rig, SMALLEST_KILOBYTES)
    await rig.lab.waitFor('the class of the route', async () => (await reloadsOf(rig)).length > 1)
    const requests = [{ host: HOST }]
    const { address } = rig.controller
    const load = await startLoad({ address, port: 80, requests, rate: REQUESTS_PER_SECOND, connections: CONNECTIONS })
    const reloads: Reload[] = []
    for (let round = 1; round <= options.reloads; round++) {
      reloads.push(await reloadOnce(rig, SMALLEST_KILOBYTES + round))
      await load.more(REQUESTS_BETWEEN)
      progress(`reload ${round} of ${options.reloads}`)
    }
    return makeReport(reloads, await load.stop(), rig)
  } finally {
    await rig.close()
  }
}

/** Another body size is another location class, and a class that no worker has is a reload. */
async function applyClass({ lab }: Rig, kilobytes: number): Promise<void> {
  const annotations = { 'nginx.ingress.kubernetes.io/proxy-body-size': `${kilobytes}k` }
  await lab.apply(ingressOf(SERVICE, { namespace: NAMESPACE, rules: [{ host: HOST, service: SERVICE }], annotations }))
}

/** `kilobytes` must be a body size that no configuration has had. */
export async function reloadOnce(rig: Rig, kilobytes: number): Promise<Reload> {
  const before = (await reloadsOf(rig)).length
  const started = performance.now()
  await applyClass(rig, kilobytes)
  const durations = await rig.lab.waitFor('a reload', async () => {
    const durations = await reloadsOf(rig)
    return durations.length > before && durations
  })
  return { ...durations.at(-1) ?? { servingMs: NaN, durationMs: NaN }, total: performance.now() - started }
}

/** The reloads so far, as the sidecar logs them. */
async function reloadsOf({ lab, controller }: Rig): Promise<Durations[]> {
  const log = await lab.logs(controller.sidecar)
  return log.split('\n').filter((line) => line.includes('"durationMs"'))
    .map((line) => JSON.parse(line) as Durations)
}

function makeReport(reloads: readonly Reload[], load: LoadReport, { nginx }: Rig): Report {
  return {
    tables: [durationTable(`NGINX ${nginx}, ${reloads.length} reloads; milliseconds`, reloads), loadTable(load)],
    notes: [
      `Failed: ${load.failed}, of these resets: ${load.resets}.`,
      ...load.failures.slice(0, 10).map(describeFailure),
      ...load.failed === 0 ? [] : ['Target missed: 0 failed requests.'],
    ],
    json: {
      reloads: reloads.length,
      failed: load.failed,
      resets: load.resets,
      p50_ms: rounded(quantile(reloads.map(({ servingMs }) => servingMs), 0.5)),
      settled_p50_ms: rounded(quantile(reloads.map(({ durationMs }) => durationMs), 0.5)),
      nginx,
    },
  }
}

function durationTable(title: string, reloads: readonly Reload[]): Table {
  const row = (label: string, values: readonly number[]): string[] =>
    [label, ...[0.5, 0.9, 1].map((q) => quantile(values, q).toFixed(1))]
  return {
    title,
    columns: ['', 'p50', 'p90', 'max'],
    rows: [
      row('reload, until all new workers serve', reloads.map(({ servingMs }) => servingMs)),
      row('and no old one takes new connections', reloads.map(({ durationMs }) => durationMs)),
      row('since the Ingress was written', reloads.map(({ total }) => total)),
    ],
  }
}

function loadTable({ loops }: LoadReport): Table {
  const row = (label: string, { requests, connections, latency }: LoopReport): (string | number)[] =>
    [label, requests, connections, ...[latency.p50, latency.p99, latency.max].map((ms) => ms.toFixed(1))]
  return {
    title: 'the load meanwhile',
    columns: ['', 'requests', 'connections', 'p50 ms', 'p99 ms', 'max ms'],
    rows: [row(`${REQUESTS_PER_SECOND} requests/s`, loops.rate), row('closed loop', loops.closed)],
  }
}
