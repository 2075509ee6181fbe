/** The manifest of the kind is what the code says; `UPDATE_GOLDEN=1` writes it. */
import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import type { Schema } from '../policy/common/schema.ts'
import { fields } from '../util/field.ts'
import { CRD } from './proxy-crd.ts'
import { RULE_POLICIES, SPEC_SCHEMA } from '../source/proxy/schema.ts'

const FILE = new URL('../../manifests/base/crd-proxies.yaml', import.meta.url)
const SIDECAR = join(import.meta.dirname, '..')
const HEAD = '# The kind Proxy (docs/proxy.md). Made by `UPDATE_GOLDEN=1 npm run test:unit` from sidecar/source/proxy/.\n'

test('manifests/base/crd-proxies.yaml is up to date', () => {
  const text = HEAD + stringify(CRD, { aliasDuplicateObjects: false, lineWidth: 110 })
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(FILE, text)
  assert.equal(readFileSync(FILE, 'utf8'), text, 'UPDATE_GOLDEN=1 accepts it')
})

test('docs/proxy.md has every member of spec and of its rules', () => {
  const page = readFileSync(new URL('../../docs/proxy.md', import.meta.url), 'utf8')
  const members = [...Object.keys(fields(SPEC_SCHEMA.properties)), ...RULE_POLICIES.keys()]
  assert.deepEqual(members.filter((name) => !new RegExp(`^\\|.*\`(rules\\[\\]\\.)?${name}(\\[\\].*)?\``, 'm').test(page)), [])
})

function visit(schema: Schema, path: string, seen: (path: string, schema: Schema) => void): void {
  seen(path, schema)
  for (const [name, member] of Object.entries(fields(schema.properties))) visit(member as Schema, `${path}.${name}`, seen)
  if (schema.items !== undefined) visit(schema.items as Schema, `${path}[]`, seen)
}

test('everything that people write is described and bounded', () => {
  visit(SPEC_SCHEMA, 'spec', (path, schema) => {
    const isItem = path.endsWith('[]') && schema.type !== 'object'
    if (!isItem) assert.equal(typeof schema.description, 'string', `${path} has a description`)
    if ('additionalProperties' in schema) assert.equal(typeof schema.maxProperties, 'number', `${path} has maxProperties`)
    if (schema.type === 'array') assert.equal(typeof schema.maxItems, 'number', `${path} has maxItems`)
    if (schema.type === 'string' && schema.enum === undefined) {
      assert.equal(typeof schema.maxLength, 'number', `${path} has maxLength`)
    }
    if (schema.type === 'integer' && schema.enum === undefined) assert.equal(typeof schema.maximum, 'number', `${path} has a maximum`)
  })
})

test('everything that people write stands in a golden case', () => {
  const files = globSync('testdata/proxy*/input.yaml', { cwd: SIDECAR })
  const inputs = files.map((file) => readFileSync(join(SIDECAR, file), 'utf8'))
  visit(SPEC_SCHEMA, 'spec', (path) => {
    const name = /\.(\w+)$/.exec(path)?.[1] ?? 'spec'
    assert.ok(inputs.some((text) => new RegExp(`(^|[ {,-])${name}:`, 'm').test(text)), `${path} stands in testdata/proxy*`)
  })
})

test('the schema is structural: it says nothing that an API server refuses in one', () => {
  visit(SPEC_SCHEMA, 'spec', (path, schema) => {
    for (const keyword of ['const', 'oneOf', '$ref']) assert.ok(!(keyword in schema), `${path} has ${keyword}`)
    const isMap = typeof schema.additionalProperties === 'object' && schema.properties === undefined
    assert.ok(isMap || schema.additionalProperties === undefined, `${path} has additionalProperties`)
  })
})
