/**
 * From the write of an EndpointSlice to the moment when every request goes by it: alone, and while a
 * thousand others change each second. The client asks from the process that writes, so both ends are of one
 * clock.
 */
import { ingressOf } from '../../scenarios/workload.ts'
import type { BenchOptions } from '../options.ts'
import type { Json, Report, Table } from '../report.ts'
import { quantile, rounded } from '../statistics.ts'
import { busyApiserver, busyStandIn, RATE, type Busy } from './busy.ts'
import { ChangeMeter, HOST } from './change-meter.ts'
import { SERVICES } from './crowd.ts'
import { readPushes } from './pushes.ts'
import { NAMESPACE, SERVICE, SLICE, startRig, type Rig, type Write } from './rig.ts'
import { Sightings } from './sightings.ts'
import { stepsOf, stepsTable, type Change, type Steps } from './steps.ts'

const TARGET = { p50: 8, p99: 20, busyP99: 50, cpu: 1 }
/** The first is as many as there are cores. */
const WORKERS = [2, 1, 4]

export async function endpoints(options: BenchOptions): Promise<Report> {
  const { changes } = options
  const rig = await startRig(options)
  try {
    await rig.lab.apply(ingressOf(SERVICE, { rules: [{ host: HOST, service: SERVICE }] }))
    const alone = await measureAlone(rig, changes)
    const steps = stepsOf(alone, readPushes(await rig.lab.logs(rig.controller.sidecar)))
    const busy = [await busyApiserver(rig, changes), ...await busyStandIn(rig, WORKERS, changes)]
    return report({ nginx: rig.nginx, alone, steps, busy })
  } finally {
    await rig.close()
  }
}

async function measureAlone(rig: Rig, changes: number): Promise<Change[]> {
  const { lab } = rig
  const sightings = await Sightings.start(lab, SLICE, NAMESPACE)
  const write: Write = async (slice) => (await lab.client.replace(slice)).metadata?.resourceVersion
  const meter = await ChangeMeter.open(rig, write)
  try {
    return await meter.measure(changes, sightings)
  } finally {
    meter.close()
    await sightings.stop()
  }
}

interface Measured {
  readonly nginx: string
  readonly alone: readonly Change[]
  readonly steps: Steps
  readonly busy: readonly Busy[]
}

function report({ nginx, alone, steps, busy }: Measured): Report {
  const served = alone.map((change) => change.served)
  const [p50, p99] = [quantile(served, 0.5), quantile(served, 0.99)]
  const [real, main] = busy.map(figuresOf)
  const figures = {
    changes: alone.length,
    p50_ms: rounded(p50),
    p99_ms: rounded(p99),
    ...main,
    apiserver: real ?? {},
    workers: Object.fromEntries(busy.slice(1).map((it) => [String(it.workers), figuresOf(it)])),
  }
  return {
    tables: [
      stepsTable(`NGINX ${nginx}, ${alone.length} changes of an EndpointSlice; milliseconds since the write was sent`, steps),
      busyTable(busy),
    ],
    notes: notesOf({ p50, p99 }, busy),
    json: figures,
  }
}

function figuresOf({ api, workers, rate, quiet, busy, cpu }: Busy): Record<string, Json> {
  return {
    busy_api: api,
    busy_workers: workers,
    busy_rate: rounded(rate, 0),
    busy_quiet_p99_ms: rounded(quantile(quiet, 0.99)),
    busy_p50_ms: rounded(quantile(busy, 0.5)),
    busy_p99_ms: rounded(quantile(busy, 0.99)),
    cpu_ms_per_change: rounded(cpu),
  }
}

function busyTable(busy: readonly Busy[]): Table {
  const ms = (values: readonly number[], q: number): string => quantile(values, q).toFixed(1)
  return {
    title: `while endpoints of ${SERVICES} Services change; milliseconds from a change until every request goes by it`,
    columns: ['', 'workers', 'changes/s', 'p50', 'p99', 'max', 'without: p50', 'p99', 'sidecar CPU ms/change'],
    rows: busy.map((it) => [
      it.api, it.workers, it.rate.toFixed(0), ms(it.busy, 0.5), ms(it.busy, 0.99), ms(it.busy, 1),
      ms(it.quiet, 0.5), ms(it.quiet, 0.99), it.cpu.toFixed(2),
    ]),
  }
}

function notesOf({ p50, p99 }: { readonly p50: number; readonly p99: number }, busy: readonly Busy[]): string[] {
  const [real, main] = busy
  const slow = real !== undefined && real.rate < RATE * 0.99
  const late = main !== undefined && quantile(main.busy, 0.99) >= TARGET.busyP99
  const dear = main !== undefined && main.cpu >= TARGET.cpu
  return [
    ...p50 >= TARGET.p50 || p99 >= TARGET.p99 ? [`Target missed: p50 < ${TARGET.p50} ms, p99 < ${TARGET.p99} ms.`] : [],
    ...slow ? [`The apiserver took ${real.rate.toFixed(0)} of ${RATE} changes/s here: the stand-in shows the full rate.`] : [],
    ...late ? [`Target missed: p99 < ${TARGET.busyP99} ms while ${RATE} endpoints change each second.`] : [],
    ...dear ? [`Target missed: sidecar CPU per change < ${TARGET.cpu} ms.`] : [],
  ]
}
