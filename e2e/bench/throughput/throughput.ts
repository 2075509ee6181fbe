/**
 * What a request costs with us, and what it costs with plain NGINX: same program, same directives, same
 * backends, one worker each, on a core that client and backends keep off.
 */
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Json, Report, Table } from '../report.ts'
import { selected } from '../selection.ts'
import { rounded } from '../statistics.ts'
import { measure, startOurContender, startPlainContender, type NginxContender } from '../traffic/contenders.ts'
import { HOST } from '../traffic/ours.ts'
import { errorsOf, medianOf, ratioOf, takeTurns, type Figures, type Round } from '../traffic/rounds.ts'
import { withStage, type Stage } from '../traffic/stage.ts'
import { CASES, type Case, type ContenderName } from './cases.ts'

const WARM_UP_SECONDS = 1

type Contenders = Readonly<Record<ContenderName, NginxContender>>

interface Result {
  readonly which: Case
  readonly rounds: readonly Round<ContenderName>[]
}

export async function throughput(options: BenchOptions): Promise<Report> {
  const cases = selected(CASES, options.only)
  return await withStage(options, async (stage) => {
    const contenders = await startContenders(stage)
    const results: Result[] = []
    for (const which of cases) results.push({ which, rounds: await measureCase(which, contenders, options) })
    return makeReport(results, stage.nginx.version)
  })
}

async function startContenders(stage: Stage): Promise<Contenders> {
  const ours = await startOurContender(stage, 'ours', ['--enable-metrics=false'])
  const metrics = await startOurContender(stage, 'metrics', ['--enable-metrics=true'])
  return { ours, metrics, plain: await startPlainContender(stage, ours) }
}

async function measureCase(
  which: Case, contenders: Contenders, options: BenchOptions,
): Promise<Round<ContenderName>[]> {
  const names = [which.measured, which.reference]
  const run = (name: ContenderName, seconds: number): Promise<Figures> => {
    const { pid, httpPort, httpsPort } = contenders[name]
    const url = which.tls ? `https://${HOST}:${httpsPort}${which.path}` : `http://${HOST}:${httpPort}${which.path}`
    const { connections } = options
    return measure(pid, which.client, { url, connections, seconds, reconnect: which.reconnect ?? false })
  }
  await takeTurns(names, 1, (name) => run(name, WARM_UP_SECONDS))
  const rounds = await takeTurns(names, options.rounds, (name) => run(name, options.seconds))
  const errors = errorsOf(rounds, names)
  if (errors > 0) throw new BenchError(`${which.name}: ${errors} requests failed: the figures would mean nothing`)
  progress(`${which.name}: CPU ${ratio({ which, rounds }, 'cpu').toFixed(3)} x`)
  return rounds
}

function ratio({ which, rounds }: Result, figure: keyof Figures): number {
  return ratioOf(rounds, which.measured, which.reference, figure)
}

const FIGURES: readonly { readonly label: string; readonly figure: keyof Figures; readonly digits: number }[] = [
  { label: 'worker CPU per request, us', figure: 'cpu', digits: 2 },
  { label: 'requests/s', figure: 'rps', digits: 0 },
  { label: 'latency p50, us', figure: 'p50', digits: 0 },
  { label: 'latency p99, us', figure: 'p99', digits: 0 },
]

function makeReport(results: readonly Result[], nginx: string): Report {
  return {
    tables: results.map((result) => figuresTable(result, nginx)),
    notes: results.flatMap(missed),
    json: { ...Object.fromEntries(results.map((result) => [result.which.name, ratios(result)])), nginx },
  }
}

function ratios(result: Result): Json {
  const of = (figure: keyof Figures): number => rounded(ratio(result, figure))
  return { cpu_ratio: of('cpu'), rps_ratio: of('rps'), p99_ratio: of('p99') }
}

function missed(result: Result): string[] {
  const { target, name } = result.which
  if (target === undefined) return []
  const { most = Infinity, least = -Infinity } = target
  const value = ratio(result, target.figure)
  return value > most || value < least ? [`Target missed: ${name}: ${target.text}.`] : []
}

function figuresTable(result: Result, nginx: string): Table {
  const { which: { title, measured, reference }, rounds } = result
  const rows = FIGURES.map(({ label, figure, digits }) => [
    label,
    ...[measured, reference].map((name) => medianOf(rounds, name, figure).toFixed(digits)),
    ratio(result, figure).toFixed(3),
  ])
  return { title: `${title}; NGINX ${nginx}, one worker, medians of ${rounds.length} rounds`, columns: ['', measured, reference, 'ratio'], rows }
}
