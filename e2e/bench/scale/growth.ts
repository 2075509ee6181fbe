/** How the figures of `scale` grow with the cluster: a page with a table, and a plot. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from '../../lab/tools.ts'
import type { BenchOptions } from '../options.ts'
import type { Report } from '../report.ts'
import { plot, type Chart } from './plot.ts'
import { sizeOf } from './population.ts'
import { keysOf, measureSize, startScaleRig, type Figures } from './scale.ts'

const SIZES = [100, 1000, 10_000, 20_000]
const PAGE = 'docs/growth.md'
const PICTURE = 'docs/growth.svg'

const ROWS: Readonly<Record<string, string>> = {
  ready_s: 'cold start to ready, s',
  sidecar_rss_mb: 'sidecar, ready, MiB',
  sidecar_rss_mb_after_changes: 'sidecar, after 1 000 changes, MiB',
  worker_rss_mb: 'worker, every host asked for, MiB',
  worker_rss_mb_after_changes: 'worker, after 1 000 changes, MiB',
  reload_ms: 'reload, all new workers serve, ms',
  reload_settled_ms: 'reload, only they accept, ms',
  change_p50_ms: 'new host, p50, ms',
  change_p99_ms: 'new host, p99, ms',
}

/** Sizes up to `--size`, each on top of the one before; writes the page and the picture in docs/. */
export async function growth(options: BenchOptions): Promise<Report> {
  const sizes = SIZES.filter((size) => size <= (options.size ?? Infinity))
  const rig = await startScaleRig(options)
  try {
    const measured: Figures[] = []
    for (const [index, size] of sizes.entries()) {
      const step = { from: sizeOf(sizes[index - 1] ?? 0), to: sizeOf(size), changes: options.changes }
      measured.push(await measureSize(rig, step))
    }
    await writeFile(join(REPOSITORY, PAGE), page(measured, rig.nginx))
    await writeFile(join(REPOSITORY, PICTURE), plot(charts(measured)))
    return makeReport(measured, rig.nginx)
  } finally {
    await rig.close()
  }
}

function makeReport(measured: readonly Figures[], nginx: string): Report {
  const columns = ['', ...measured.map(({ size }) => String(size.ingresses))]
  return {
    tables: [{ title: `NGINX ${nginx}, by the number of Ingresses`, columns, rows: rowsOf(measured) }],
    notes: [`Written to ${PAGE} and ${PICTURE}.`],
    json: Object.fromEntries(measured.map((figures) => [String(figures.size.ingresses), keysOf(figures)])),
  }
}

function rowsOf(measured: readonly Figures[]): (string | number)[][] {
  const keys = measured.map(keysOf)
  return Object.entries(ROWS).map(([key, label]) => [label, ...keys.map((it) => it[key] ?? '')])
}

function page(measured: readonly Figures[], nginx: string): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`
  const counts = (label: string, count: (figures: Figures) => number): (string | number)[] =>
    [label, ...measured.map(count)]
  const rows = [
    counts('Ingresses', ({ size }) => size.ingresses),
    ['---', ...measured.map(() => '---:')],
    counts('Services', ({ size }) => size.services),
    counts('endpoints', ({ size }) => size.endpoints),
    counts('certificates', ({ size }) => size.certificates),
    ...rowsOf(measured),
  ]
  return `# Growth

What a cluster costs as it grows, measured by \`npm run -s bench -- growth\`, which writes this page and its picture;
what each row means is in [performance.md](performance.md). ${availableParallelism()} cores, which everything shares; NGINX ${nginx}.

${rows.map(line).join('')}
![The rows of the table over the number of Ingresses](growth.svg)
`
}

function charts(measured: readonly Figures[]): Chart[] {
  const points = (key: string): (readonly [number, number])[] =>
    measured.map((figures) => [figures.size.ingresses, keysOf(figures)[key] ?? NaN])
  const chart = (title: string, unit: string, keys: Readonly<Record<string, string>>): Chart => ({
    title, unit, across: 'Ingresses', lines: Object.entries(keys).map(([key, label]) => ({ label, points: points(key) })),
  })
  return [
    chart('Cold start to ready', 's', { ready_s: 'ready' }),
    chart('Resident memory', 'MiB', { sidecar_rss_mb: 'sidecar', worker_rss_mb: 'worker, all hosts asked for' }),
    chart('A new host', 'ms', { change_p50_ms: 'p50', change_p99_ms: 'p99' }),
    chart('Reload', 'ms', { reload_ms: 'until all new workers serve', reload_settled_ms: 'until only they accept' }),
  ]
}
