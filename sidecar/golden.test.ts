/**
 * Golden cases: testdata/<case>/input.yaml (and options.json, and resolutions.json: what DNS says) -> records.json,
 * nginx.conf, findings.json.
 * `UPDATE_GOLDEN=1` writes the outputs anew and removes those that no case makes.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { merge } from './files/folder.ts'
import { parseManifest } from './files/manifest.ts'
import type { Finding } from './ir/origin.ts'
import type { Resolution } from './ir/types.ts'
import type { PipelineOptions } from './pipeline/pipeline.ts'
import { assertContract } from './testing/contract.ts'
import { GOLDEN_OPTIONS, shuffled } from './testing/inputs.ts'
import { CURRENT_CAPABILITIES, translate, type TranslationInput } from './translate.ts'

const ROOT = join(import.meta.dirname, 'testdata')
const UPDATE = process.env.UPDATE_GOLDEN === '1'
const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }

interface CaseInput extends TranslationInput {
  /** What was said of the objects when they were read. */
  readonly notices: readonly Finding[]
}

function readObjects(name: string): Pick<CaseInput, 'objects' | 'notices'> {
  const parsed = parseManifest('input.yaml', readFileSync(join(ROOT, name, 'input.yaml'), 'utf8'))
  assert.ok('manifest' in parsed, `input.yaml of ${name} cannot be read`)
  const merged = merge([parsed.manifest])
  const unread = merged.findings.filter(({ reason }) => reason !== 'OldVersion')
  assert.deepEqual(unread, [], `input.yaml of ${name} must hold only objects that are read`)
  return { objects: [...merged.objects.values()].map(({ object }) => object), notices: merged.findings }
}

function readOptions(name: string): PipelineOptions {
  const path = join(ROOT, name, 'options.json')
  const given = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<PipelineOptions>) : {}
  for (const key of Object.keys(given)) assert.ok(key in GOLDEN_OPTIONS, `options.json of ${name}: unknown option ${key}`)
  return { ...GOLDEN_OPTIONS, ...given }
}

/** What DNS says, by name. */
function readResolutions(name: string): Readonly<Record<string, Resolution>> {
  const path = join(ROOT, name, 'resolutions.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Resolution>) : {}
}

/** Layer 4 looks different where NGINX has no stream-lua: that is written beside it. */
function outputs({ notices, ...input }: CaseInput): Readonly<Record<string, string>> {
  const { config, records, findings } = translate(input)
  const withoutLua = translate({ ...input, capabilities: { ...CURRENT_CAPABILITIES, stream_lua: false } }).config
  return {
    'nginx.conf': config,
    ...(withoutLua === config ? {} : { 'nginx-without-stream-lua.conf': withoutLua }),
    'records.json': `${JSON.stringify(records, null, 2)}\n`,
    'findings.json': `${JSON.stringify([...notices, ...findings], null, 2)}\n`,
  }
}

const INPUTS = new Set(['input.yaml', 'options.json', 'resolutions.json'])

for (const name of readdirSync(ROOT).sort()) {
  test(`golden case ${name}`, () => {
    const { objects, notices } = readObjects(name)
    const options = readOptions(name)
    const listeners = { ...LISTENERS, sslPassthrough: options.sslPassthrough }
    const rest = { options, listeners, notices, resolutions: readResolutions(name) }
    assertContract(translate({ objects, ...rest }).records)
    const made = outputs({ objects, ...rest })
    const stale = readdirSync(join(ROOT, name)).filter((file) => !INPUTS.has(file) && !(file in made))
    if (UPDATE) {
      for (const file of stale) rmSync(join(ROOT, name, file))
      for (const [file, text] of Object.entries(made)) writeFileSync(join(ROOT, name, file), text)
    }
    for (const [file, text] of Object.entries(made)) {
      assert.equal(text, readFileSync(join(ROOT, name, file), 'utf8'), `${name}/${file} differs; UPDATE_GOLDEN=1 accepts it`)
    }
    if (!UPDATE) assert.deepEqual(stale, [], `${name} holds files that nothing makes`)

    const again = outputs({ objects: shuffled(objects, 7), ...rest })
    assert.deepEqual(again, made, 'the order of the objects must not matter')
  })
}
