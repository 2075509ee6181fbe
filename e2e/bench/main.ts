/** `npm run -s bench -- NAME`: a table for people, then one line of JSON. */
import { BenchError, OPTIONS_HELP, parseCommand, type BenchOptions } from './options.ts'
import { printReport, type Report } from './report.ts'

interface Benchmark {
  readonly name: string
  readonly measures: string
  /** Loaded when it is asked for: what needs the lab enters it at once. */
  load(): Promise<(options: BenchOptions) => Promise<Report>>
}

const BENCHMARKS: readonly Benchmark[] = [
  {
    name: 'endpoints',
    measures: 'from the write of an EndpointSlice at the apiserver until every request goes by it',
    load: async () => (await import('./cluster/endpoints.ts')).endpoints,
  },
  {
    name: 'routes',
    measures: 'from the write of an Ingress with a new host to its first 200, among 100 and 10 000 hosts',
    load: async () => (await import('./cluster/routes.ts')).routes,
  },
  {
    name: 'reload',
    measures: 'duration, failed requests and resets of reloads under load',
    load: async () => (await import('./cluster/reload.ts')).reload,
  },
  {
    name: 'scale',
    measures: 'start, memory, reloads and changes of a cluster with 10 000 Ingresses',
    load: async () => (await import('./scale/scale.ts')).scale,
  },
  {
    name: 'growth',
    measures: 'the same with 100, 1 000, 10 000 and 20 000 Ingresses; writes docs/growth.md and docs/growth.svg',
    load: async () => (await import('./scale/growth.ts')).growth,
  },
  {
    name: 'throughput',
    measures: 'CPU per request, requests/s and latency against plain NGINX on the same backends',
    load: async () => (await import('./throughput/throughput.ts')).throughput,
  },
  {
    name: 'peers',
    measures: 'the same, and the time of an endpoint change, beside HAProxy, Envoy, Traefik and Caddy',
    load: async () => (await import('./peers/peers.ts')).peers,
  },
  {
    name: 'patterns',
    measures: 'latency of a neighbour while regular expressions that explode are hammered',
    load: async () => (await import('./patterns/patterns.ts')).patterns,
  },
]

const HELP = `npm run -s bench -- NAME [options]

${BENCHMARKS.map(({ name, measures }) => `  ${name.padEnd(12)} ${measures}`).join('\n')}

${OPTIONS_HELP}
Tables for people come first, the last line is JSON. Exit code 0 says that it was measured, not that
the targets were met: docs/performance.md has them.
`

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommand(args)
  if (parsed.command === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  const benchmark = BENCHMARKS.find(({ name }) => name === parsed.name)
  if (benchmark === undefined) {
    throw new BenchError(`there is no benchmark ${parsed.name}; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`)
  }
  const run = await benchmark.load()
  process.stdout.write(printReport(await run(parsed.options)))
  return 0
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const expected = error instanceof BenchError
    process.stderr.write(`bench: ${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(expected ? 2 : 1)
  },
)
