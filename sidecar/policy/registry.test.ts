/** One place per policy: its file, its annotations, its Lua half, its golden case. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { POLICIES } from './registry.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
/** Files beside the policies that are none. */
const MACHINERY = ['annotations', 'effects', 'policy', 'protection', 'registry']
/** Lua has it as a setting of all routes; no annotation sets it yet. */
const SETTING_ONLY = ['retries']

function names(pattern: string, extension: string): string[] {
  return globSync(pattern, { cwd: REPOSITORY }).map((file) => basename(file, extension))
}

function annotations(): string[] {
  return POLICIES.flatMap((policy) => Object.values(policy.fields).map((field) => field.annotation))
}

test('every file is a registered policy, and every policy has its file', () => {
  const files = names('sidecar/policy/*.ts', '.ts').filter((name) => !name.endsWith('.test') && !MACHINERY.includes(name))
  assert.deepEqual(files.sort(), POLICIES.map(({ name }) => name.replaceAll('_', '-')).sort())
})

test('every annotation belongs to one policy', () => {
  assert.deepEqual(annotations().sort(), [...new Set(annotations())].sort())
})

test('every policy that acts per request has its Lua half, and none is left over', () => {
  const files = names('lua/ingress/policy/*.lua', '.lua').filter((name) => name !== 'registry')
  const acting = POLICIES.filter(({ runtime }) => runtime !== undefined).map(({ name }) => name)
  assert.deepEqual(files.sort(), [...acting, ...SETTING_ONLY].sort())
})

test('every annotation has a golden case, and stands in the table of README.md', () => {
  const inputs = globSync('sidecar/testdata/*/input.yaml', { cwd: REPOSITORY }).map((file) => read(file)).join()
  const readme = read('README.md')
  for (const annotation of annotations()) {
    assert.match(inputs, new RegExp(`/${annotation}: `), annotation)
    assert.ok(readme.includes(`\`${annotation}\``), annotation)
  }
})

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8')
}
