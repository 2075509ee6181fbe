/** What is said of keys that are no setting. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KNOWN_KEYS } from '../../compat/configmap.ts'
import { PROTECTIONS, translateConfigMap, type SettingsReading } from './translate.ts'

function read(data: Readonly<Record<string, string>>): SettingsReading {
  return translateConfigMap({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' }, data })
}

test('each known key says what it does in ingress-nginx and what to use; those that protect refuse the whole', () => {
  for (const [name, { there }] of KNOWN_KEYS) {
    const { findings, refused } = read({ [name]: 'x' })
    assert.deepEqual(findings.map(({ reason }) => reason), ['UnsupportedSetting'], name)
    const message = findings[0]?.message ?? ''
    assert.ok(message.startsWith(`key ${name}: `) && message.includes(there), message)
    assert.equal(refused !== undefined, PROTECTIONS.has(name), name)
  }
})

test('a value that asks for what happens anyway is not reported', () => {
  for (const [name, { holds }] of KNOWN_KEYS) {
    if (holds !== undefined) assert.deepEqual(read({ [name]: holds }).findings, [], name)
  }
})

test('an unknown key is told the one that was meant', () => {
  const said = (key: string): string | undefined => read({ [key]: 'x' }).findings[0]?.message
  assert.equal(said('proxy-body-sise'), 'key proxy-body-sise: unknown; it has no effect; did you mean proxy-body-size?')
  assert.equal(said('main-snipet'), 'key main-snipet: unknown; it has no effect; did you mean main-snippet?')
  assert.equal(said('no-such-key'), 'key no-such-key: unknown; it has no effect')
})
