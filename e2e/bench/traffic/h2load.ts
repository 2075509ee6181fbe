/** HTTP/2 over TLS: h2load of nghttp2. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../lab/command.ts'
import { quantile } from '../statistics.ts'
import type { LoadOptions, LoadResult } from './client.ts'

/** Requests that a connection has in flight: what multiplexing is for. */
const STREAMS = 8

/**
 * `connections` counts requests in flight, as in HTTP/1.1: they share connections. The server must not close
 * one after so many requests: h2load would not open another in its place.
 */
export async function runH2load({ url, connections, seconds, core }: LoadOptions): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-h2load-'))
  const log = join(folder, 'requests')
  try {
    const printed = await runCommand([
      'taskset', '-c', String(core), 'h2load', '-t1', `-c${Math.ceil(connections / STREAMS)}`, `-m${STREAMS}`,
      `-D${seconds}`, `--log-file=${log}`, url,
    ])
    return parseH2load(printed, await readFile(log, 'utf8'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * What it prints has no percentiles; its log has a line for each request: start, status, duration, both
 * times in microseconds. Throws when the protocol was not HTTP/2.
 */
export function parseH2load(printed: string, log: string): LoadResult {
  const protocol = capture(printed, /^Application protocol: (\S+)/m)
  if (protocol !== 'h2') throw new Error(`h2load spoke ${protocol}`)
  const durations = log.trimEnd().split('\n').map((line) => Number(line.split('\t')[2]))
  return {
    requests: Number(capture(printed, /^requests:.* (\d+) done,/m)),
    microseconds: toMicroseconds(capture(printed, /^finished in ([\d.]+m?s),/m)),
    errors: Number(capture(printed, /^requests:.* (\d+) failed,/m)),
    p50: quantile(durations, 0.5),
    p99: quantile(durations, 0.99),
  }
}

function toMicroseconds(text: string): number {
  return Math.round(parseFloat(text) * (text.endsWith('ms') ? 1e3 : 1e6))
}

function capture(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`h2load printed nothing like ${pattern.source}: ${text}`)
  return found
}
