/**
 * What a request costs with us, and what it costs with plain NGINX: same program, same directives, same
 * backends, one worker each, on a core that client and backends keep off. The sides take turns, so that
 * whatever else the machine does meets both.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Daemon } from '../../lab/command.ts'
import { findNginx } from '../nginx.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report, Table } from '../report.ts'
import { median, rounded } from '../statistics.ts'
import { cpuTime } from './cpu.ts'
import { CORES, HOST, startSides, type Side, type Sides } from './sides.ts'
import { requireWrk, runWrk } from './wrk.ts'

const WARM_UP_SECONDS = 1
const TARGET_CPU_RATIO = 1.1

/** One run of the client against one side. */
interface Round {
  /** Microseconds of the worker's CPU for each request. */
  readonly cpu: number
  /** Requests per second. */
  readonly rps: number
  /** Latency in microseconds. */
  readonly p50: number
  readonly p99: number
  readonly errors: number
}

/** Two rounds, one right after the other. */
type Pair = Readonly<Record<keyof Sides, Round>>

export async function throughput(options: BenchOptions): Promise<Report> {
  if (availableParallelism() < 2) throw new BenchError('throughput needs two cores: one for the measured worker alone')
  await requireWrk()
  const nginx = await findNginx(options.variant)
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-bench-'))
  const daemons: Daemon[] = []
  try {
    const sides = await startSides(nginx, folder, daemons)
    return makeReport(await measure(sides, options), nginx.version)
  } finally {
    for (const daemon of daemons.reverse()) await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(sides: Sides, options: BenchOptions): Promise<Pair[]> {
  for (const side of [sides.ours, sides.plain]) await measureRound(side, { ...options, seconds: WARM_UP_SECONDS })
  const pairs: Pair[] = []
  for (let index = 0; index < options.rounds; index++) {
    const pair = await measurePair(sides, options, index % 2 === 0)
    pairs.push(pair)
    progress(`round ${index + 1} of ${options.rounds}: CPU ${pair.ours.cpu.toFixed(2)} / ${pair.plain.cpu.toFixed(2)} us`)
  }
  return pairs
}

/** Who comes first changes, so that a drift of the machine favours nobody. */
async function measurePair(sides: Sides, options: BenchOptions, oursFirst: boolean): Promise<Pair> {
  if (!oursFirst) {
    const plain = await measureRound(sides.plain, options)
    return { ours: await measureRound(sides.ours, options), plain }
  }
  const ours = await measureRound(sides.ours, options)
  return { ours, plain: await measureRound(sides.plain, options) }
}

async function measureRound({ url, worker }: Side, { connections, seconds }: BenchOptions): Promise<Round> {
  const before = await cpuTime(worker)
  const result = await runWrk({ url, host: HOST, connections, seconds, core: CORES.others })
  const cpu = (await cpuTime(worker)) - before
  return { ...result, cpu: cpu / result.requests, rps: (result.requests / result.microseconds) * 1e6 }
}

const FIGURES: readonly { readonly label: string; readonly key: keyof Round; readonly digits: number }[] = [
  { label: 'worker CPU per request, us', key: 'cpu', digits: 2 },
  { label: 'requests/s', key: 'rps', digits: 0 },
  { label: 'latency p50, us', key: 'p50', digits: 0 },
  { label: 'latency p99, us', key: 'p99', digits: 0 },
]

function makeReport(pairs: readonly Pair[], nginx: string): Report {
  const errors = pairs.reduce((sum, { ours, plain }) => sum + ours.errors + plain.errors, 0)
  if (errors > 0) throw new BenchError(`${errors} requests failed: the figures would mean nothing`)
  const cpuRatio = ratio(pairs, 'cpu')
  const notes = cpuRatio > TARGET_CPU_RATIO ? [`Target missed: CPU per request at most ${TARGET_CPU_RATIO} x plain NGINX.`] : []
  return {
    tables: [figuresTable(pairs, nginx)],
    notes,
    json: { cpu_ratio: rounded(cpuRatio), rps_ratio: rounded(ratio(pairs, 'rps')), p99_ratio: rounded(ratio(pairs, 'p99')), nginx },
  }
}

function figuresTable(pairs: readonly Pair[], nginx: string): Table {
  const rows = FIGURES.map(({ label, key, digits }) => [
    label,
    ...(['ours', 'plain'] as const).map((side) => median(pairs.map((pair) => pair[side][key])).toFixed(digits)),
    ratio(pairs, key).toFixed(3),
  ])
  const title = `NGINX ${nginx}, one worker, medians of ${pairs.length} rounds of each side`
  return { title, columns: ['', 'ours', 'plain', 'ratio'], rows }
}

/** Rounds next to each other are compared, then the median is taken: what slows the machine slows both. */
function ratio(pairs: readonly Pair[], key: keyof Round): number {
  return median(pairs.map(({ ours, plain }) => ours[key] / plain[key]))
}
