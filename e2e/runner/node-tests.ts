/** Runs files of node:test, each in a process of its own, with the usual report on standard output. */
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { failed, NOTHING, type Outcome } from './outcome.ts'
import { childRunning, killTree } from './process-tree.ts'
import { REPOSITORY } from './programs.ts'

/** Each file is a process: without it each compiles all that it imports, which is half of its start. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(REPOSITORY, 'node_modules/.cache/node-compile')

export interface Limits {
  /** A test that takes longer hangs. */
  readonly testSeconds: number
  /** A file that takes longer hangs: its tests may have ended, but something keeps its process. */
  readonly fileSeconds: number
}

export interface NodeTests {
  readonly files: readonly string[]
  /** How many files at once. */
  readonly concurrency: number
  readonly limits: Limits
  readonly env?: Readonly<Record<string, string>>
  /** How many files that fail may run once more, alone, to fail again or be named as flaky; default: none. */
  readonly mostFlaky?: number
  readonly signal: AbortSignal
}

export async function runNodeTests(tests: NodeTests): Promise<Outcome> {
  const { files, mostFlaky = 0, signal } = tests
  if (files.length === 0) return failed('no test files were found')
  const { failing, outcome } = await runOnce(tests)
  const hung = outcome.note !== undefined
  if (failing.length === 0 || failing.length > mostFlaky || hung || signal.aborted) return outcome
  const names = failing.map((file) => relative(REPOSITORY, file)).join(', ')
  process.stdout.write(`\nonce more, alone: ${names}\n`)
  const second = await runOnce({ ...tests, files: failing, concurrency: 1 })
  if (second.outcome.failed > 0) return outcome
  const { passed, skipped } = outcome
  return { passed: passed + outcome.failed, failed: 0, skipped, note: `flaky, failed once and then passed: ${names}` }
}

interface Ran {
  readonly outcome: Outcome
  readonly failing: readonly string[]
}

async function runOnce({ files, concurrency, limits, env = {}, signal }: NodeTests): Promise<Ran> {
  const restore = setEnvironment({ NODE_COMPILE_CACHE: COMPILE_CACHE, ...env })
  let outcome = NOTHING
  const failing = new Set<string>()
  const events = run({ files: [...files], concurrency, timeout: limits.testSeconds * 1000, signal })
  const overdue = endOverdue(events, limits.fileSeconds)
  // A file that ends in the middle, or does not begin, is a test of its own, and has no summary.
  events.on('test:fail', ({ name, file }) => { if (name === file) failing.add(file) })
  events.on('test:summary', ({ file, success, counts }) => {
    // There is one for each file, and one for all.
    if (file !== undefined) return void (success || failing.add(file))
    const { passed, todo } = counts
    const skipped = counts.skipped + todo
    outcome = { passed, failed: counts.tests - passed - skipped, skipped }
  })
  try {
    for await (const text of events.compose(new spec())) process.stdout.write(String(text))
  } finally {
    overdue.disarm()
    restore()
  }
  if (outcome === NOTHING) return { outcome: failed('the test runner ended without a summary'), failing: [] }
  const note = overdue.files.length === 0 ? {} : { note: `no end of ${overdue.files.join(', ')}` }
  return { outcome: { ...outcome, ...note }, failing: [...failing] }
}

interface Overdue {
  /** Those that were ended. */
  readonly files: readonly string[]
  disarm(): void
}

/** The time limit of node:test is for tests only; a file that a handle keeps open would be waited for without end. */
function endOverdue(events: ReturnType<typeof run>, seconds: number): Overdue {
  const files: string[] = []
  const timers: NodeJS.Timeout[] = []
  const end = (file: string): void => {
    const pid = childRunning(file)
    if (pid === undefined) return
    files.push(relative(REPOSITORY, file))
    killTree(pid)
    process.stdout.write(`${file}: no end after ${seconds} s; it was killed, with what it started\n`)
  }
  events.on('test:dequeue', ({ name, file }) => {
    // That a file begins; its tests have names of their own.
    if (name === file) timers.push(setTimeout(end, seconds * 1000, file))
  })
  return { files, disarm: () => timers.forEach(clearTimeout) }
}

/** The processes of the tests inherit our environment. */
function setEnvironment(env: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, env)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
