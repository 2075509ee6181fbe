/**
 * What a neighbour waits for while somebody hammers a regular expression that explodes: one worker, requests at a
 * fixed rate, and the same requests with text that no pattern matches to compare with.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Poller } from '../cluster/poller.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report } from '../report.ts'
import { selected } from '../selection.ts'
import { quantile, rounded } from '../statistics.ts'
import { ADDRESSES } from '../traffic/backends.ts'
import { served } from '../traffic/contenders.ts'
import { CORES, cpuTime, pin } from '../traffic/cpu.ts'
import { HOST, startOurs } from '../traffic/ours.ts'
import { freePorts, withStage, type Stage } from '../traffic/stage.ts'
import { workerOf } from '../traffic/worker.ts'
import { ATTACKS, requestOf, type Attack } from './attacks.ts'
import { Hammer } from './hammer.ts'

const RATE = 300
const SECONDS = 4
const NEIGHBOURS = 2
const PAUSE_MS = 2

interface Latency {
  readonly p50: number
  readonly p99: number
  /** Microseconds of the worker's processor, for the neighbour and the stranger. */
  readonly cpu: number
  /** Of the stranger, by status. */
  readonly answers: ReadonlyMap<string, number>
}

interface Result {
  readonly name: string
  readonly harmless: Latency
  readonly attack: Latency
}

export async function patterns(options: BenchOptions): Promise<Report> {
  const attacks = selected(ATTACKS, options.only)
  return await withStage(options, async (stage) => {
    const results: Result[] = []
    for (const attack of attacks) results.push(await measureAttack(stage, attack))
    return reportOf(results, stage.nginx.version)
  })
}

async function measureAttack(stage: Stage, attack: Attack): Promise<Result> {
  const [httpPort, httpsPort = 0] = await freePorts(2)
  const { nginx, backendPort, certificate } = stage
  const folder = join(stage.folder, attack.name)
  await mkdir(join(folder, 'manifests'), { recursive: true })
  await writeFile(join(folder, 'manifests/attack.yaml'), attack.objects.map((it) => JSON.stringify(it)).join('\n---\n'))
  const ours = await startOurs({
    nginx, folder, addresses: ADDRESSES, backendPort, httpPort, httpsPort, certificate,
    ...(attack.settings === undefined ? {} : { settings: attack.settings }),
  })
  try {
    await served(httpPort, ours.sidecar)
    const worker = await workerOf(ours.pidFile)
    await pin(worker, CORES.measured)
    const harmless = await neighbour(httpPort, worker, requestOf(attack, true))
    const hammered = await neighbour(httpPort, worker, requestOf(attack, false))
    progress(`${attack.name}: p99 of the neighbour ${harmless.p99.toFixed(2)} ms, under attack ${hammered.p99.toFixed(2)} ms`)
    return { name: attack.name, harmless, attack: hammered }
  } finally {
    await ours.sidecar.stop()
    await ours.openresty.stop()
  }
}

/** Milliseconds of the requests of others while this one is sent RATE times a second. */
async function neighbour(port: number, worker: number, bytes: string): Promise<Latency> {
  const durations: number[] = []
  const poller = new Poller({
    address: '127.0.0.1', port, host: HOST, pauseMs: PAUSE_MS,
    onAnswer: ({ status, sent, received }) => {
      if (status !== 200) throw new BenchError(`the neighbour got ${status}`)
      durations.push(received - sent)
    },
  })
  const hammer = await Hammer.start(port, bytes, RATE)
  try {
    for (let i = 0; i < NEIGHBOURS; i += 1) await poller.open()
    durations.length = 0
    const before = await cpuTime(worker)
    poller.start()
    await sleep(SECONDS * 1000)
    const cpu = (await cpuTime(worker)) - before
    return { p50: quantile(durations, 0.5), p99: quantile(durations, 0.99), cpu, answers: hammer.answers }
  } finally {
    hammer.stop()
    poller.close()
  }
}

function reportOf(results: readonly Result[], nginx: string): Report {
  const row = ({ name, harmless, attack }: Result): readonly string[] => {
    const times = [harmless.p50, harmless.p99, attack.p50, attack.p99].map((it) => it.toFixed(2))
    const answers = [...attack.answers].map(([status, count]) => `${status} (${Math.round(count / SECONDS)}/s)`)
    const count = [...attack.answers.values()].reduce((sum, it) => sum + it, 0)
    return [name, ...times, ((attack.cpu - harmless.cpu) / count / 1000).toFixed(2), answers.join(', ')]
  }
  return {
    tables: [{
      title: `Latency of a neighbour, ms, one worker of NGINX ${nginx}, ${RATE} requests a second of a stranger`,
      columns: ['pattern of', 'p50', 'p99', 'exploding: p50', 'p99', 'CPU a request', 'answers'],
      rows: results.map(row),
    }],
    json: {
      ...Object.fromEntries(results.map(({ name, harmless, attack }) =>
        [name, { p99: rounded(harmless.p99), p99_attack: rounded(attack.p99) }])),
      nginx,
    },
  }
}
