/** The runner itself: what it counts, what it says, and that one failing suite hides no other. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Limits, NodeTests } from './node-tests.ts'
import { NOTHING, printCounts, sum, verdict, type Outcome } from './outcome.ts'
import { commandLine } from './process-tree.ts'

const HERE = import.meta.dirname
const FAR: Limits = { testSeconds: 100, fileSeconds: 200 }

interface Ran {
  readonly code: number | null
  readonly output: string
}

function runNode(args: readonly string[]): Ran {
  // A runner inside a runner would do nothing, and colours are for people.
  const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { code: status, output: stdout + stderr }
}

/** What `runNodeTests` makes of files with these texts. */
async function outcomeOf(
  t: TestContext, texts: readonly string[], options: Partial<NodeTests> = {},
): Promise<Ran & { outcome: Outcome }> {
  const dir = await mkdtemp(join(tmpdir(), 'runner-'))
  t.after(() => rm(dir, { recursive: true }))
  const files = texts.map((_, index) => join(dir, `${index}.test.mjs`))
  for (const [index, text] of texts.entries()) await writeFile(files[index] ?? '', `import test from 'node:test'\n${text}`)
  const script = `
    import { runNodeTests } from ${JSON.stringify(join(HERE, 'node-tests.ts'))}
    const options = ${JSON.stringify({ files, concurrency: 1, limits: FAR, ...options })}
    const outcome = await runNodeTests({ ...options, signal: new AbortController().signal })
    console.log('\\n' + JSON.stringify(outcome))`
  // Not by --eval: the processes of the tests inherit the flags of Node.js.
  await writeFile(join(dir, 'main.mjs'), script)
  const ran = runNode([join(dir, 'main.mjs')])
  return { ...ran, outcome: JSON.parse(ran.output.trim().split('\n').at(-1) ?? '') }
}

test('the last line', () => {
  assert.equal(printCounts({ passed: 3, failed: 0, skipped: 0 }), '3 passed, 0 failed')
  assert.equal(printCounts({ passed: 0, failed: 2, skipped: 1 }), '0 passed, 2 failed, 1 skipped')
  const outcomes = [{ passed: 3, failed: 1, skipped: 0 }, verdict(true, ''), verdict(false, 'bad'), NOTHING]
  assert.equal(printCounts(sum(outcomes)), '3 passed, 2 failed')
})

test('tests of all files are counted once each', async (t) => {
  const texts = [
    "test('a', () => {}); test('b', () => { throw new Error('b') }); test('c', { skip: true }, () => {})",
    "test('d', (t) => { t.skip('no') }); test('e', { todo: true }, () => {}); test('f', () => {})",
  ]
  const { outcome, output } = await outcomeOf(t, texts)
  assert.deepEqual(outcome, { passed: 2, failed: 1, skipped: 3 })
  assert.match(output, /✖ b/)
})

test('a file that cannot be loaded, one that ends at once, and a test that never ends fail', async (t) => {
  const endless = "test('g', () => new Promise(() => {}))"
  for (const [text, testSeconds] of [["import './nothing.mjs'", 100], ['process.exit(3)', 100], [endless, 2]] as const) {
    const { outcome } = await outcomeOf(t, [text], { limits: { ...FAR, testSeconds } })
    assert.equal(outcome.failed > 0, true, text)
  }
})

test('a file that a handle keeps open fails by name, and what it started ends', async (t) => {
  const kept = `
    import { spawn } from 'node:child_process'
    test('i', (t) => t.diagnostic('child ' + spawn('sleep', ['1000'], { stdio: 'inherit', detached: true }).pid))`
  const limits = { testSeconds: 100, fileSeconds: 6 }
  const { outcome, output } = await outcomeOf(t, [kept, "test('j', () => {})"], { limits })
  assert.equal(outcome.passed, 2)
  assert.equal(outcome.failed, 1)
  assert.match(outcome.note ?? '', /^no end of .+\/0\.test\.mjs$/)
  assert.match(output, /\/0\.test\.mjs: no end after 6 s; it was killed, with what it started$/m)
  // The child held our end of its output until then, so there is nothing to wait for.
  assert.deepEqual(commandLine(Number(/child (\d+)/.exec(output)?.[1])), [])
})

/** Fails as often as it is told, by a test that another module defines. */
function failsTimes(times: number, how = "throw new Error('not yet')"): string {
  return `
    import { appendFileSync, readFileSync } from 'node:fs'
    const elsewhere = 'import test from "node:test"; export const define = (name, run) => test(name, run)'
    const { define } = await import('data:text/javascript,' + elsewhere)
    define('k', () => {
      appendFileSync(import.meta.filename + '.runs', '.')
      if (readFileSync(import.meta.filename + '.runs', 'utf8').length <= ${times}) ${how}
    })
    test('l', () => {})`
}

test('a file that fails is flaky when it then passes, and fails when it does not', async (t) => {
  const flaky = await outcomeOf(t, ["test('m', () => {})", failsTimes(1)], { mostFlaky: 1 })
  const { note, ...counts } = flaky.outcome
  assert.deepEqual(counts, { passed: 3, failed: 0, skipped: 0 })
  assert.match(note ?? '', /^flaky, failed once and then passed: .+\/1\.test\.mjs$/)
  assert.match(flaky.output, /✖ k[^]*not yet[^]*^once more, alone: .+\/1\.test\.mjs$[^]*✔ k/m)
  assert.equal((await outcomeOf(t, [failsTimes(1, 'process.exit(3)')], { mostFlaky: 1 })).outcome.failed, 0)
  const broken = await outcomeOf(t, [failsTimes(2)], { mostFlaky: 1 })
  assert.deepEqual(broken.outcome, { passed: 1, failed: 1, skipped: 0 })
})

test('many files that fail, or none that may, do not run again', async (t) => {
  for (const [texts, mostFlaky] of [[[failsTimes(1), failsTimes(1)], 1], [[failsTimes(1)], 0]] as const) {
    const { outcome, output } = await outcomeOf(t, texts, { mostFlaky })
    assert.equal(outcome.failed, texts.length)
    assert.doesNotMatch(output, /once more/)
  }
})

test('a suite without files fails', async (t) => {
  assert.deepEqual((await outcomeOf(t, [])).outcome, { ...NOTHING, failed: 1, note: 'no test files were found' })
})

test('tests see the environment that a suite gives them', async (t) => {
  const text = "test('h', () => { if (process.env.VARIANT !== 'next') throw 1 })"
  const { outcome } = await outcomeOf(t, [text], { env: { VARIANT: 'next' } })
  assert.deepEqual(outcome, { passed: 1, failed: 0, skipped: 0 })
})

test('run.ts: the line of counts stands alone at the end, exit code 1 when something failed', () => {
  const none = runNode([join(HERE, '../run.ts'), 'unit', 'no-such-file'])
  assert.equal(none.code, 1)
  assert.match(none.output, /^=== Unit, golden and property tests ===$/m)
  assert.match(none.output, /^FAILED +Unit.*no test files were found$/m)
  assert.match(none.output, /\n0 passed, 1 failed\n$/)
  const one = runNode([join(HERE, '../run.ts'), 'unit', 'sidecar/files/manifest.test.ts'])
  assert.equal(one.code, 0)
  assert.match(one.output, /\n\d+ passed, 0 failed\n$/)
})

test('run.ts: a suite that does not exist', () => {
  const { code, output } = runNode([join(HERE, '../run.ts'), 'coffee'])
  assert.equal(code, 1)
  assert.match(output, /there is no suite coffee; there are lint, types, unit, lua, nginx, standalone, lab, e2e/)
})
