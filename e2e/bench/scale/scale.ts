/** A large cluster: how long our pod takes from cold, what it weighs, and what a change costs. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesObject } from '../../lab/client.ts'
import { haveStatus, measureNewHosts } from '../cluster/routes.ts'
import { reloadOnce, type Reload } from '../cluster/reload.ts'
import { PORT, startRig, type Rig } from '../cluster/rig.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report, Table } from '../report.ts'
import { median, quantile, rounded } from '../statistics.ts'
import { memoryOf, workersBelow, type Memory } from './memory.ts'
import { startController, stopController } from './pod.ts'
import { each, populate } from './populate.ts'
import { ingressOf, sizeOf, sliceOf, type Size } from './population.ts'
import { visitCertificates, visitHosts } from './visit.ts'

const INGRESSES = 10_000
const CHANGES = 1000
/** One of so many changes is one of an Ingress, the others are endpoints. */
const INGRESS_CHANGE_EACH = 10
const RELOADS = 5
const SMALLEST_KILOBYTES = 4096
const QUIET_MS = 2_000
const TARGETS = { ready_s: 10, sidecar_rss_mb: 400, worker_rss_mb: 120, reload_ms: 100, change_p99_ms: 50 }

/** Of one size; MiB. */
export interface Figures {
  readonly size: Size
  /** Seconds from an absent pod to a Ready one. */
  readonly ready: number
  readonly memory: { readonly started: Weights; readonly visited: Weights; readonly changed: Weights }
  /** Milliseconds of each reload, as the control API says. */
  readonly reloads: readonly Reload[]
  /** Milliseconds from the write of an Ingress with a new host to its first 200. */
  readonly changes: readonly number[]
}

interface Weights {
  readonly sidecar: Memory
  /** The largest worker. */
  readonly worker: Memory
}

export async function scale(options: BenchOptions): Promise<Report> {
  const rig = await startScaleRig(options)
  try {
    const to = sizeOf(options.size ?? INGRESSES)
    const figures = await measureSize(rig, { from: sizeOf(0), to, changes: options.changes })
    return makeReport(figures, rig.nginx)
  } finally {
    await rig.close()
  }
}

/** The lab with our Deployment, and no pod of it. */
export async function startScaleRig(options: BenchOptions): Promise<Rig> {
  const rig = await startRig(options)
  // The client asks for all hosts over one connection.
  const data = { 'keep-alive-requests': '100000000' }
  await rig.lab.client.patch('v1/ConfigMap', { namespace: 'resty-ingress', name: 'resty-ingress' }, { data })
  await stopController(rig.lab)
  return rig
}

export interface Step {
  /** What is there already. */
  readonly from: Size
  readonly to: Size
  readonly changes: number
}

/** Leaves the objects, and no pod. */
export async function measureSize(empty: Rig, { from, to, changes }: Step): Promise<Figures> {
  const { lab } = empty
  await writeObjects(empty, from, to)
  await writeStatus(empty)
  progress(`${to.ingresses} Ingresses: cold start`)
  const start = await startController(lab)
  const rig = { ...empty, controller: start.controller }
  const started = await weigh(rig)
  await visit(rig, to)
  const visited = await weigh(rig)
  await change(rig, to)
  await visit(rig, to)
  const changed = await weigh(rig)
  const hosts = await measureNewHosts(rig, changes)
  const reloads = await reload(rig)
  await stopController(lab)
  return {
    size: to,
    ready: start.ready / 1000,
    memory: { started, visited, changed },
    reloads,
    changes: hosts.map(({ served }) => served),
  }
}

async function writeObjects({ lab }: Rig, from: Size, to: Size): Promise<void> {
  const started = performance.now()
  await populate(lab.client, from, to, PORT)
  progress(`${to.ingresses} Ingresses, ${to.services} Services, ${to.endpoints} endpoints and ${to.certificates} ` +
    `certificates are written (${((performance.now() - started) / 1000).toFixed(1)} s)`)
}

/** A first start writes the status of all Ingresses, which is not what a start costs later. */
async function writeStatus({ lab }: Rig): Promise<void> {
  await startController(lab)
  while (!(await haveStatus(lab))) await sleep(QUIET_MS)
  await stopController(lab)
}

async function weigh({ lab, controller }: Rig): Promise<Weights> {
  const [sidecar, openresty] = [lab.processId(controller.sidecar), lab.processId(controller.openresty)]
  if (sidecar === undefined || openresty === undefined) throw new BenchError('the controller does not run')
  const workers = await Promise.all((await workersBelow(openresty)).map(memoryOf))
  const [worker] = workers.sort((left, right) => right.resident - left.resident)
  if (worker === undefined) throw new BenchError('OpenResty has no worker')
  return { sidecar: await memoryOf(sidecar), worker }
}

async function visit({ controller }: Rig, size: Size): Promise<void> {
  progress('every worker is asked for every host')
  await visitHosts(controller.address, size)
  await visitCertificates(controller.address, size)
}

/** A thousand changes as they come in a cluster: mostly endpoints, now and then an Ingress. */
async function change(rig: Rig, size: Size): Promise<void> {
  progress(`${CHANGES} changes`)
  await each(0, CHANGES, async (index) => { await rig.lab.client.replace(changed(index, size)) })
  let revision = -1
  for (;;) {
    const status = await rig.controller.status()
    if (status.revision === revision) return
    revision = status.revision
    await sleep(QUIET_MS)
  }
}

function changed(index: number, size: Size): KubernetesObject {
  const turn = 1 + Math.floor(index / size.services)
  if (index % INGRESS_CHANGE_EACH > 0) return sliceOf(index % size.services, PORT, turn)
  const annotations = { 'nginx.ingress.kubernetes.io/proxy-read-timeout': String(61 + index) }
  return ingressOf(index % size.ingresses, size, annotations)
}

async function reload(rig: Rig): Promise<Reload[]> {
  const reloads: Reload[] = []
  for (let round = 0; round < RELOADS; round++) {
    reloads.push(await reloadOnce(rig, SMALLEST_KILOBYTES + round))
    progress(`reload ${round + 1} of ${RELOADS}`)
  }
  return reloads
}

/** The keys of the JSON line, for one size. */
export function keysOf({ ready, memory, reloads, changes }: Figures): Record<string, number> {
  const { started, visited, changed } = memory
  return {
    ready_s: rounded(ready, 2),
    sidecar_rss_mb: started.sidecar.resident,
    sidecar_peak_mb: started.sidecar.peak,
    sidecar_rss_mb_after_changes: changed.sidecar.resident,
    worker_rss_mb: visited.worker.resident,
    worker_own_mb: visited.worker.anonymous,
    worker_rss_mb_after_changes: changed.worker.resident,
    reload_ms: median(reloads.map(({ servingMs }) => servingMs)),
    reload_settled_ms: median(reloads.map(({ durationMs }) => durationMs)),
    change_p50_ms: rounded(quantile(changes, 0.5), 2),
    change_p99_ms: rounded(quantile(changes, 0.99), 2),
  }
}

function makeReport(figures: Figures, nginx: string): Report {
  const { size, memory } = figures
  const keys = keysOf(figures)
  const missed = Object.entries(TARGETS).filter(([key, target]) => (keys[key] ?? NaN) >= target)
  const title = `NGINX ${nginx}, ${size.ingresses} Ingresses, ${size.services} Services, ${size.endpoints} endpoints, ` +
    `${size.certificates} certificates`
  return {
    tables: [
      { title, columns: ['', 'measured', 'target'], rows: Object.entries(keys).map(([key, value]) => [key, value, targetOf(key)]) },
      memoryTable(memory),
    ],
    notes: missed.map(([key, target]) => `Target missed: ${key} < ${target}.`),
    json: { ...size, ...keys },
  }
}

function targetOf(key: string): string {
  return key in TARGETS ? `< ${TARGETS[key as keyof typeof TARGETS]}` : ''
}

function memoryTable(memory: Figures['memory']): Table {
  const row = (label: string, { resident, anonymous, file, shared, peak }: Memory): (string | number)[] =>
    [label, resident, anonymous, file, shared, peak]
  return {
    title: 'resident memory in MiB; shared: pages of the shared dictionaries, the same in every worker',
    columns: ['', 'all', 'own', 'program', 'shared', 'peak'],
    rows: [
      row('sidecar, ready', memory.started.sidecar),
      row(`sidecar, after ${CHANGES} changes`, memory.changed.sidecar),
      row('worker, ready', memory.started.worker),
      row('worker, every host asked for', memory.visited.worker),
      row(`worker, after ${CHANGES} changes`, memory.changed.worker),
    ],
  }
}
