/**
 * `npm run fuzz [-- --cases N --seed S --jobs J]`: hostile cases in batches, each with a seed of its own, on all
 * cores. Ends with the first counterexample, shrunk, and the command that finds it again.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fc } from '../property.ts'
import { check } from './invariants.ts'
import { cases } from './objects.ts'

const BATCH = 1000

interface Batch {
  readonly seed: number
  readonly cases: number
}

interface BatchResult extends Batch {
  /** Of the case that took longest. */
  readonly slowestMs: number
  /** Absent: all invariants held. */
  readonly failure?: string
}

function run({ seed, cases: numRuns }: Batch): BatchResult {
  let slowestMs = 0
  const result = fc.check(fc.property(cases, (one) => {
    const started = performance.now()
    check(one)
    slowestMs = Math.max(slowestMs, performance.now() - started)
  }), { seed, numRuns, includeErrorInReport: true })
  const failure = result.failed ? fc.defaultReportMessage(result) : undefined
  return { seed, cases: numRuns, slowestMs, ...(failure === undefined ? {} : { failure }) }
}

interface Options extends Batch {
  readonly jobs: number
}

/** Throws TypeError with a sentence for the person. */
function options(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { cases: { type: 'string' }, seed: { type: 'string' }, jobs: { type: 'string' } },
  })
  return {
    cases: wholeNumber('cases', values.cases ?? '1000000'),
    seed: wholeNumber('seed', values.seed ?? String(Date.now() % 2 ** 30)),
    jobs: wholeNumber('jobs', values.jobs ?? String(availableParallelism())),
  }
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new TypeError(`--${name} must be a whole number from 1 on, not ${text}`)
}

function* batches({ seed, cases: all }: Batch): Generator<Batch> {
  for (let done = 0; done < all; done += BATCH) yield { seed: seed + done / BATCH, cases: Math.min(BATCH, all - done) }
}

/** Gives each idle worker the next batch, until there is none or one has failed. */
async function fuzz({ jobs, ...whole }: Options): Promise<number> {
  const rest = batches(whole)
  const seen = { cases: 0, slowestMs: 0, failures: [] as BatchResult[] }
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), { workerData: 'fuzz' })
    for (const batch of rest) {
      const result = await answerOf(worker, batch)
      seen.cases += result.cases
      seen.slowestMs = Math.max(seen.slowestMs, result.slowestMs)
      if (result.failure !== undefined) seen.failures.push(result)
      if (seen.failures.length > 0) break
      if (seen.cases % (10 * BATCH) === 0) print(`${seen.cases} cases, the slowest in ${seen.slowestMs.toFixed(0)} ms`)
    }
    await worker.terminate()
  }
  print(`seed ${whole.seed}, ${whole.cases} cases, ${jobs} at a time`)
  await Promise.all(Array.from({ length: jobs }, work))
  for (const { seed, cases: size, failure } of seen.failures) {
    print(`${failure}\n\nagain: npm run fuzz -- --seed ${seed} --cases ${size}`)
  }
  print(`${seen.cases} cases, the slowest in ${seen.slowestMs.toFixed(0)} ms: ${seen.failures.length > 0 ? 'FAILED' : 'ok'}`)
  return seen.failures.length > 0 ? 1 : 0
}

async function answerOf(worker: Worker, batch: Batch): Promise<BatchResult> {
  const answer = once(worker, 'message') as Promise<[BatchResult]>
  worker.postMessage(batch)
  return (await answer)[0]
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Text: what is wrong with the flags. */
function read(args: readonly string[]): Options | string {
  try {
    return options(args)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function main(args: readonly string[]): Promise<number> {
  const given = read(args)
  if (typeof given !== 'string') return await fuzz(given)
  process.stderr.write(`fuzz: ${given}\nnpm run fuzz [-- --cases N --seed S --jobs J]\n`)
  return 2
}

if (!isMainThread && workerData === 'fuzz') parentPort?.on('message', (batch: Batch) => parentPort?.postMessage(run(batch)))
else process.exitCode = await main(process.argv.slice(2))
