/**
 * Every key of ingress-nginx's ConfigMap that has an effect, in as few controllers as their effects allow; and bad
 * values, of all keys at once: each is told, and nothing changes.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../../sidecar/collection/objects.ts'
import type { Finding } from '../../../../sidecar/ir/origin.ts'
import { DEFAULT_SETTINGS } from '../../../../sidecar/ir/settings.ts'
import { KEYS } from '../../../../sidecar/source/configmap/keys.ts'
import { PROTECTIONS, translateConfigMap } from '../../../../sidecar/source/configmap/translate.ts'
import { manifest } from '../cluster-objects.ts'
import { everyVariant, freePort } from '../harness.ts'
import { sidecar } from '../sidecar.ts'
import { assertTest, filled, neighbour, objectsOf } from './objects.ts'
import { Prober } from './prober.ts'
import { ELSEWHERE, GROUPS, type Settings } from './settings-rows.ts'
import { world, type World } from './world.ts'

type Texts = Readonly<Record<string, string>>

function configMap(name: string, data: Texts): KubeObject & { readonly data: Texts } {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'edge' }, data }
}

const ROWS = Object.entries(Object.assign({}, ELSEWHERE, ...Object.values(GROUPS)) as typeof ELSEWHERE)
const BAD: Texts = Object.fromEntries(ROWS.map(([key, { bad }]) => [key, bad]))
/** What they need beside them. */
const COMMON = { 'ssl-expiry-warning-days': '0', 'proxy-real-ip-cidr': '127.0.0.0/8' }
/** What the neighbour says, so that no setting of a group makes it sooner or later. */
const UNTOUCHED = { 'proxy-read-timeout': '60', 'limit-rate': '0' }
const FLAGS = ['--configmap=edge/settings', '--tcp-services-configmap=edge/tcp', '--https-redirect-port=443']

async function objects(settings: Settings, around: World): Promise<object[]> {
  const values = Object.entries(settings).map(([key, { good }]) => [key, filled(good, key, around)] as const)
  return [
    configMap('settings', { ...COMMON, ...Object.fromEntries(values) }),
    configMap('answers', { 'X-Custom': 'yes' }),
    configMap('requests', { 'X-To-Backend': 'yes' }),
    configMap('tcp', { [await freePort()]: 'near/near:80' }),
    ...neighbour(around, UNTOUCHED),
    ...Object.entries(settings).flatMap(([name, { annotations = {}, scene = {} }]) =>
      objectsOf({ name, annotations, scene }, around)),
  ]
}

test('each key has a row', () => {
  const theirs = Object.values(KEYS).filter(({ about }) => !about.startsWith('Ours. '))
  const names = theirs.map(({ name }) => name)
  const rows = new Set(ROWS.map(([key]) => key))
  assert.deepEqual(names.filter((name) => !rows.has(name)), [])
  for (const { shows } of Object.values(ELSEWHERE)) assertTest(shows)
})

test('a bad value is told with its key and what is allowed, and the default holds', () => {
  const reading = translateConfigMap(configMap('settings', BAD))
  assert.deepEqual(reading.settings, DEFAULT_SETTINGS)
  for (const key of Object.keys(BAD)) {
    const found = reading.findings.filter(({ origin }) => origin.field === `data[${key}]`)
    assert.equal(found.length, 1, key)
    assert.match(found[0]?.message ?? '', new RegExp(`^key ${key}: .* is refused; allowed: .`), key)
    const { refused } = translateConfigMap(configMap('settings', { [key]: BAD[key] ?? '' }))
    assert.equal(refused !== undefined, PROTECTIONS.has(key), key)
  }
})

async function shown(t: TestContext, variant: Parameters<typeof sidecar>[1], settings: Settings): Promise<void> {
  const around = await world(t)
  const it = await sidecar(t, variant, { 'objects.yaml': manifest(...await objects(settings, around)) }, FLAGS)
  const { findings } = await it.admin<{ findings: Finding[] }>('/v1/findings')
  assert.deepEqual(findings.filter(({ origin }) => origin.kind === 'ConfigMap'), [])
  await Promise.all(Object.entries(settings).map(([key, { shows }]) => t.test(key, async () => {
    const prober = new Prober(it, around, key)
    for (const probe of shows) await prober.check(probe)
  })))
  assert.deepEqual(it.plane.errors().filter((line) => line.includes('lua')), [])
}

everyVariant('settings of ingress-nginx', ({ variant }) => {
  for (const [name, settings] of Object.entries(GROUPS)) {
    test(`what they do: ${name}`, { concurrency: 4 }, (t) => shown(t, variant, settings))
  }

  test('with all values bad NGINX has what it had', async (t) => {
    const loaded = async (data: Texts): Promise<string> => {
      const it = await sidecar(t, variant, { 'objects.yaml': manifest(configMap('settings', data)) }, FLAGS)
      const ports = [it.http, it.https].map((url) => new URL(url).port)
      const text = readFileSync(join(it.plane.folder, 'nginx.conf'), 'utf8').replaceAll(/\b[0-9a-f]{64}\b/g, 'a hash')
      // Behind an address, or a key of a map: a size may be the same number.
      return ports.reduce((all, port, i) => all.replaceAll(new RegExp(`(?<=[:{] ?)${port}\\b`, 'g'), `port ${i}`), text)
    }
    const bad = Object.entries(BAD).filter(([key]) => !PROTECTIONS.has(key))
    assert.equal(await loaded(Object.fromEntries(bad)), await loaded({}))
  })
})
