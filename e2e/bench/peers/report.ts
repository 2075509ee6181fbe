/** What is told of the comparison. */
import type { Cell, Json, Report } from '../report.ts'
import { quantile, rounded } from '../statistics.ts'
import { medianOf, ratioOf, type Round } from '../traffic/rounds.ts'

export interface PeerResult {
  readonly name: string
  readonly title: string
  /** Our CPU per request is to be at most this share of the peer's. */
  readonly target: number | undefined
  /** MiB of the process that serves. */
  readonly memory: number
  /** Milliseconds of each change of the endpoints, where the proxy has a way to change them. */
  readonly changes: { readonly way: string; readonly durations: readonly number[] } | undefined
}

/** The name of our own entry. */
export const OURS = 'ours'

/** `missing`: a sentence for each peer that could not be had. */
export function makeReport(
  results: readonly PeerResult[], rounds: readonly Round<string>[], missing: readonly string[],
): Report {
  return {
    tables: [trafficTable(results, rounds), changesTable(results)],
    notes: [...missing, ...results.flatMap((result) => missed(result, rounds))],
    json: Object.fromEntries(results.map((result) => [result.name, figures(result, rounds)])),
  }
}

function trafficTable(results: readonly PeerResult[], rounds: readonly Round<string>[]) {
  const rows = results.map(({ name, title, memory }): Cell[] => [
    title,
    medianOf(rounds, name, 'cpu').toFixed(1),
    ratioOf(rounds, OURS, name, 'cpu').toFixed(2),
    medianOf(rounds, name, 'rps').toFixed(0),
    ratioOf(rounds, OURS, name, 'rps').toFixed(2),
    medianOf(rounds, name, 'p50').toFixed(0),
    medianOf(rounds, name, 'p99').toFixed(0),
    memory.toFixed(0),
  ])
  return {
    title: `2 bytes, HTTP/1.1, one thread each, medians of ${rounds.length} rounds`,
    columns: ['', 'CPU us', 'ours/it', 'requests/s', 'ours/it', 'p50 us', 'p99 us', 'RSS MiB'],
    rows,
  }
}

function changesTable(results: readonly PeerResult[]) {
  const rows = results.flatMap(({ title, changes }): Cell[][] => changes === undefined ? [] : [[
    title, changes.way, quantile(changes.durations, 0.5).toFixed(1), quantile(changes.durations, 0.99).toFixed(1),
  ]])
  return { title: 'A change of the endpoints until every request goes by it, ms', columns: ['', 'by', 'p50', 'p99'], rows }
}

function missed({ name, title, target }: PeerResult, rounds: readonly Round<string>[]): string[] {
  if (target === undefined || ratioOf(rounds, OURS, name, 'cpu') <= target) return []
  return [`Target missed: CPU per request at most ${rounded(target, 2)} x ${title}.`]
}

function figures({ name, memory, changes }: PeerResult, rounds: readonly Round<string>[]): Json {
  return {
    cpu_ratio: rounded(ratioOf(rounds, OURS, name, 'cpu')),
    rps_ratio: rounded(ratioOf(rounds, OURS, name, 'rps')),
    cpu_us: rounded(medianOf(rounds, name, 'cpu'), 2),
    rps: rounded(medianOf(rounds, name, 'rps'), 0),
    p50_us: medianOf(rounds, name, 'p50'),
    p99_us: medianOf(rounds, name, 'p99'),
    rss_mb: rounded(memory, 1),
    ...changes === undefined ? {} : {
      change_p50_ms: rounded(quantile(changes.durations, 0.5), 1),
      change_p99_ms: rounded(quantile(changes.durations, 0.99), 1),
    },
  }
}
