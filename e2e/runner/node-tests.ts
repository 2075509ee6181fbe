/** Runs files of node:test, each in a process of its own, with the usual report on standard output. */
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { failed, NOTHING, type Outcome } from './outcome.ts'
import { REPOSITORY } from './programs.ts'

/** Each file is a process: without it each compiles all that it imports, which is half of its start. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(REPOSITORY, 'node_modules/.cache/node-compile')

export interface NodeTests {
  readonly files: readonly string[]
  /** How many files at once. */
  readonly concurrency: number
  /** A file, or a test in it, that takes longer hangs. */
  readonly timeoutSeconds: number
  readonly env?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export async function runNodeTests(tests: NodeTests): Promise<Outcome> {
  const { files, concurrency, timeoutSeconds, env = {}, signal } = tests
  if (files.length === 0) return failed('no test files were found')
  const restore = setEnvironment({ NODE_COMPILE_CACHE: COMPILE_CACHE, ...env })
  let outcome = NOTHING
  const events = run({ files: [...files], concurrency, timeout: timeoutSeconds * 1000, signal })
  events.on('test:summary', ({ file, counts }) => {
    // There is one for each file, and one for all.
    if (file !== undefined) return
    const { passed, todo } = counts
    const skipped = counts.skipped + todo
    outcome = { passed, failed: counts.tests - passed - skipped, skipped }
  })
  try {
    for await (const text of events.compose(new spec())) process.stdout.write(String(text))
  } finally {
    restore()
  }
  return outcome === NOTHING ? failed('the test runner ended without a summary') : outcome
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
