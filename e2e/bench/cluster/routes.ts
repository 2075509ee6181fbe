/** From the write of an Ingress with a new host to the first 200 for that host, among few and many hosts. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from '../../lab/lab.ts'
import { ingressOf, type Ingress } from '../../scenarios/workload.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report, Table } from '../report.ts'
import { quantile, rounded } from '../statistics.ts'
import { Poller } from './poller.ts'
import { readPushes, type Push } from './pushes.ts'
import { NAMESPACE, SERVICE, startRig, type Rig } from './rig.ts'
import { Sightings } from './sightings.ts'
import { epoch, stepsOf, stepsTable, type Change } from './steps.ts'

const INGRESS = 'networking.k8s.io/v1/Ingress'
const FEW_HOSTS = 100
/** Ingresses that are written at the same time while hosts are loaded. */
const WRITERS = 8
const CONNECTIONS = 2
const PAUSE_MS = 1
const LONGEST_MS = 10_000
const TARGET_P99_MS = 50

interface Measured {
  readonly hosts: number
  readonly changes: readonly Change[]
}

export async function routes(options: BenchOptions): Promise<Report> {
  if (options.hosts < FEW_HOSTS) throw new BenchError(`--hosts must be at least ${FEW_HOSTS}`)
  const rig = await startRig(options)
  try {
    const measured: Measured[] = []
    await loadHosts(rig, 0, FEW_HOSTS)
    const { generation } = await rig.controller.status()
    measured.push({ hosts: FEW_HOSTS, changes: await measureNewHosts(rig, options.changes) })
    await loadHosts(rig, FEW_HOSTS, options.hosts)
    measured.push({ hosts: options.hosts, changes: await measureNewHosts(rig, options.changes) })
    const reloads = (await rig.controller.status()).generation - generation
    const pushes = readPushes(await rig.lab.logs(rig.controller.sidecar))
    return makeReport(measured, { reloads, nginx: rig.nginx, pushes })
  } finally {
    await rig.close()
  }
}

function ingress(name: string): Ingress {
  return ingressOf(name, { namespace: NAMESPACE, rules: [{ host: hostOf(name), service: SERVICE }] })
}

function hostOf(name: string): string {
  return `${name}.routes.example`
}

/** Writes Ingresses until there are `to` hosts, and waits until all are served and have their status. */
async function loadHosts({ lab, controller }: Rig, from: number, to: number): Promise<void> {
  progress(`writing Ingresses until there are ${to} hosts`)
  let next = from
  const write = async (): Promise<void> => {
    while (next < to) await lab.client.create(ingress(`host-${next++}`))
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  await lab.waitFor('every host is served', async () => {
    const keys = Object.keys(await controller.digests())
    return keys.filter((key) => key.startsWith('host/')).length >= to
  }, { timeoutMs: 120_000 })
  while (!(await haveStatus(lab))) await sleep(1000)
}

/** Whether every Ingress has its status. A list of all is work for the apiserver: ask seldom. */
export async function haveStatus(lab: Lab): Promise<boolean> {
  const all = await lab.client.list<WithStatus>(INGRESS, { namespace: NAMESPACE })
  return all.every(({ status }) => status?.loadBalancer?.ingress !== undefined)
}

type WithStatus = Ingress & { readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly object[] } } }

/** Adds a new host `changes` times, one after the other, and takes it away again. */
export async function measureNewHosts(rig: Rig, changes: number): Promise<Change[]> {
  const sightings = await Sightings.start(rig.lab, INGRESS, NAMESPACE)
  const measured: Change[] = []
  try {
    for (let index = 0; index < changes; index++) {
      measured.push(await addRoute(rig, `new-${index}`, sightings))
      if ((index + 1) % 50 === 0) progress(`${index + 1} of ${changes} Ingresses`)
      // Not in step with any timer of the others.
      await sleep(5 + (index * 7) % 20)
    }
  } finally {
    await sightings.stop()
  }
  return measured
}

/** Adds the Ingress, waits for its first 200, and takes it away again: the number of hosts stays. */
async function addRoute({ lab, controller }: Rig, name: string, sightings: Sightings): Promise<Change> {
  const first = Promise.withResolvers<number>()
  const poller = new Poller({
    address: controller.address,
    port: 80,
    host: hostOf(name),
    pauseMs: PAUSE_MS,
    onAnswer: ({ status, received }) => { if (status === 200) first.resolve(received) },
  })
  try {
    for (let index = 0; index < CONNECTIONS; index++) await poller.open()
    poller.start()
    const startedAt = epoch()
    const started = performance.now()
    const written = await lab.client.create(ingress(name))
    const answered = performance.now()
    const served = await Promise.race([first.promise, sleep(LONGEST_MS)])
    if (served === undefined) throw new BenchError(`after ${LONGEST_MS} ms the host ${hostOf(name)} is not served`)
    return {
      startedAt,
      endedAt: epoch(),
      written: answered - started,
      seen: (sightings.at(written.metadata?.resourceVersion) ?? NaN) - started,
      served: served - started,
    }
  } finally {
    poller.close()
    await lab.client.delete(INGRESS, { namespace: NAMESPACE, name })
  }
}

interface Context {
  readonly reloads: number
  readonly nginx: string
  readonly pushes: readonly Push[]
}

function makeReport(measured: readonly Measured[], { reloads, nginx, pushes }: Context): Report {
  const figures = measured.map(({ hosts, changes }) => {
    const served = changes.map((change) => change.served)
    return { hosts, p50: rounded(quantile(served, 0.5)), p99: rounded(quantile(served, 0.99)) }
  })
  const notes = [
    ...figures.filter(({ p99 }) => p99 >= TARGET_P99_MS)
      .map(({ hosts }) => `Target missed: p99 < ${TARGET_P99_MS} ms with ${hosts} hosts.`),
    ...reloads === 0 ? [] : ['Target missed: an ordinary new host must not reload.'],
  ]
  return {
    tables: measured.map((it) => tableOf(it, nginx, pushes)),
    notes: [`Reloads: ${reloads}`, ...notes],
    json: {
      ...Object.fromEntries(figures.flatMap(({ hosts, p50, p99 }) => [[`p50_ms_${hosts}`, p50], [`p99_ms_${hosts}`, p99]])),
      reloads,
    },
  }
}

function tableOf({ hosts, changes }: Measured, nginx: string, pushes: readonly Push[]): Table {
  const title = `NGINX ${nginx}, ${hosts} hosts, ${changes.length} new Ingresses; milliseconds since the write was sent`
  return stepsTable(title, stepsOf(changes, pushes))
}
