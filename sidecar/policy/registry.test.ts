/** One place per policy: its file, its annotations, its Lua half, its golden case. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { KEYS } from '../source/configmap/keys.ts'
import { POLICIES } from './registry.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
/** Files beside the policies that are none. */
const MACHINERY = ['annotations', 'backends', 'effects', 'external-auth-connections', 'external-auth-grammar', 'external-auth-proxy', 'external-auth-schema', 'headers', 'merge', 'policy', 'protection', 'proxy-field', 'reference',
  'references', 'registry', 'schema', 'standard-headers']

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
  assert.deepEqual(files.sort(), acting.sort())
})

test('every annotation, and every key of the ConfigMap, has a golden case', () => {
  const inputs = globSync('sidecar/testdata/*/input.yaml', { cwd: REPOSITORY }).map((file) => read(file)).join('\n')
  for (const annotation of annotations()) assert.ok(inputs.includes(`/${annotation}: `), annotation)
  for (const { name } of Object.values(KEYS)) assert.ok(new RegExp(`[ {]${name}: `).test(inputs), name)
})

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8')
}
