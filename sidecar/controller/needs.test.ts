/** What the first push waits for: nobody can make it wait for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { CLASS, ingress, object } from '../testing/neighbour.ts'
import { NeededNames } from './needed-names.ts'
import { NeededObjects } from './needed-objects.ts'

function bring(pipeline: Pipeline, objects: readonly KubeObject[]): void {
  for (const it of objects) pipeline.objects.set(it)
  pipeline.graph.flush()
}

/** An Ingress that needs the name `NAME.example.net`. */
function named(name: string): KubeObject[] {
  const spec = { type: 'ExternalName', externalName: `${name}.example.net`, ports: [{ port: 80 }] }
  const backend = { service: { name, port: { number: 80 } } }
  return [object('Service', 'stranger', name, { spec }), ingress('stranger', name, { host: `${name}.example.com`, backend })]
}

test('names: those of the beginning are waited for, later ones not', () => {
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  const names = new NeededNames(pipeline)
  bring(pipeline, [CLASS, ...named('one'), ...named('two')])
  assert.deepEqual([...(names.update() ?? [])].sort(), ['one.example.net', 'two.example.net'])
  assert.equal(names.areMissing(), true)
  names.resolved('one.example.net', { addresses: [], failure: { since: '', reason: 'no answer yet' } })
  bring(pipeline, named('three'))
  assert.equal(names.update()?.length, 3)
  assert.equal(names.areMissing(), true)
  names.resolved('two.example.net', { addresses: ['198.18.1.1'] })
  assert.equal(names.areMissing(), false)
})

test('names: where there was none at the beginning, nothing is waited for', () => {
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  const names = new NeededNames(pipeline)
  bring(pipeline, [CLASS])
  assert.equal(names.update(), undefined)
  bring(pipeline, named('one'))
  assert.equal(names.update()?.length, 1)
  assert.equal(names.areMissing(), false)
})

test('names: one that is not needed any more is not waited for', () => {
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  const names = new NeededNames(pipeline)
  bring(pipeline, [CLASS, ...named('one')])
  names.update()
  assert.equal(names.areMissing(), true)
  pipeline.objects.delete('Ingress', 'stranger', 'one')
  pipeline.graph.flush()
  names.update()
  assert.equal(names.areMissing(), false)
})

test('Secrets: those of the beginning are waited for, later ones not', () => {
  const secured = (name: string): KubeObject =>
    ingress('stranger', name, { host: `${name}.example.com`, tls: [{ secretName: name, hosts: [`${name}.example.com`] }] })
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  bring(pipeline, [CLASS, secured('one')])
  const secrets = new NeededObjects({ kind: 'Secret', objects: pipeline.objects, byObjects: pipeline.secretRefs })
  assert.equal(secrets.update()?.length, 1)
  assert.equal(secrets.areMissing(), true)
  bring(pipeline, [secured('two')])
  assert.equal(secrets.update()?.length, 2)
  pipeline.objects.replace('Secret', [], 'stranger/one')
  assert.equal(secrets.areMissing(), false)
})

test('ConfigMaps: those that the settings name are needed, as long as they do', () => {
  const pipeline = new Pipeline({ ...GOLDEN_OPTIONS, configMap: 'edge/settings' })
  const { objects, configMapRefs: byObjects, settingConfigMaps: bySettings } = pipeline
  const configMaps = new NeededObjects({ kind: 'ConfigMap', objects, byObjects, bySettings })
  const settings = (data: Record<string, string>): KubeObject => object('ConfigMap', 'edge', 'settings', { data })
  bring(pipeline, [CLASS, settings({ 'add-headers': 'edge/answers', 'proxy-set-headers': 'edge/requests' })])
  assert.deepEqual(configMaps.update()?.map(({ name }) => name), ['answers', 'requests'])
  bring(pipeline, [settings({ 'add-headers': 'edge/answers' })])
  assert.deepEqual(configMaps.update()?.map(({ name }) => name), ['answers'])
  bring(pipeline, [object('ConfigMap', 'edge', 'answers', { data: { 'X-A': '1' } })])
  assert.deepEqual(pipeline.settings.settings.addHeaders.headers, [{ name: 'X-A', text: [{ text: '1' }] }])
  assert.deepEqual(pipeline.findings(), [])
})
