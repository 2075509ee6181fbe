/**
 * `npm test`: every suite under a heading of its own. One that fails hides no other. The last line sums
 * them up; exit code 1 when anything failed.
 *
 *   run.ts [SUITE [FILE...]]     one suite, or some files of it (any part of their path)
 */
import { constants } from 'node:os'
import { failed, printCounts, sum, type Outcome } from './runner/outcome.ts'
import { SUITES, type Suite } from './runner/suites.ts'

interface Result {
  readonly title: string
  readonly outcome: Outcome
  readonly seconds: number
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function runSuite(suite: Suite, signal: AbortSignal, only: readonly string[]): Promise<Result> {
  print(`\n=== ${suite.title} ===`)
  const started = performance.now()
  const outcome = await suite.run(signal, only).catch((error: unknown) => {
    return failed(error instanceof Error ? error.message : String(error))
  })
  const result = { title: suite.title, outcome, seconds: (performance.now() - started) / 1000 }
  print(describe(result))
  return result
}

function describe({ title, outcome, seconds }: Result): string {
  const note = outcome.note === undefined ? '' : `: ${outcome.note}`
  const mark = outcome.failed > 0 ? 'FAILED ' : outcome.passed === 0 && outcome.skipped > 0 ? 'skipped' : 'ok     '
  return `${mark} ${title} (${printCounts(outcome)}, ${seconds.toFixed(1)} s)${note}`
}

/** Ctrl-C ends the suite that runs; what it started ends with it. */
function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal]
      controller.abort()
    })
  }
  return controller.signal
}

async function main([name, ...only]: readonly string[]): Promise<void> {
  const chosen = SUITES.filter((suite) => name === undefined || suite.name === name)
  if (chosen.length === 0) {
    print(`there is no suite ${name}; there are ${[...new Set(SUITES.map((suite) => suite.name))].join(', ')}`)
    process.exitCode = 1
    return
  }
  const signal = untilSignal()
  const results: Result[] = []
  for (const suite of chosen) {
    if (!signal.aborted) results.push(await runSuite(suite, signal, only))
  }
  print('\n=== Summary ===')
  for (const result of results) print(describe(result))
  const total = sum(results.map(({ outcome }) => outcome))
  if (total.failed > 0) process.exitCode ??= 1
  print(printCounts(total))
}

await main(process.argv.slice(2))
