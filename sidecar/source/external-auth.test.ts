/** External authentication over time: names, ConfigMaps and settings that come, change and go. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import type { BackendRecord, HostRecord } from '../dynamic/records.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { CLASS, ingress, service } from '../testing/neighbour.ts'

const PREFIX = 'nginx.ingress.kubernetes.io'
const BACKEND = 'backend/prod/sso.example/81@name'

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data } as KubeObject
}

function begin(annotations: Readonly<Record<string, string>>): Pipeline {
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  const names = Object.entries(annotations).map(([name, value]) => [`${PREFIX}/${name}`, value])
  const web = ingress('prod', 'web', { annotations: Object.fromEntries(names) as Record<string, string> })
  for (const object of [CLASS, service('prod', 'web'), web]) pipeline.objects.set(object)
  pipeline.graph.flush()
  return pipeline
}

function routes({ records }: Pipeline): HostRecord['routes'] {
  return [...records].flatMap(([key, record]) => (key.startsWith('host/') ? (record as HostRecord).routes : []))
}

test('the name is asked for as long as an object has it, and its addresses are the endpoints', () => {
  const pipeline = begin({ 'auth-url': 'http://sso.example:81/verify' })
  assert.deepEqual([...pipeline.externalNames.keys()], ['sso.example'])
  assert.deepEqual((pipeline.records.get(BACKEND) as BackendRecord).endpoints, [])
  pipeline.resolutions.set('sso.example', { addresses: ['198.18.0.2', '127.0.0.1'] })
  pipeline.graph.flush()
  assert.deepEqual((pipeline.records.get(BACKEND) as BackendRecord).endpoints, [['198.18.0.2', 81]])
  assert.deepEqual(pipeline.findings().map(({ reason, origin }) => [reason, origin.kind, origin.name]), [['RefusedEndpoint', 'Ingress', 'web']])
  pipeline.objects.delete('Ingress', 'prod', 'web')
  pipeline.graph.flush()
  assert.equal(pipeline.records.has(BACKEND), false)
  assert.deepEqual([...pipeline.externalNames.keys()], [])
  assert.deepEqual(pipeline.findings(), [])
})

test('a ConfigMap with headers closes the paths until it is there, and each change of it counts', () => {
  const pipeline = begin({ 'auth-url': 'http://sso.example/', 'auth-proxy-set-headers': 'told' })
  assert.deepEqual([...pipeline.configMapRefs.keys()], ['prod/told'])
  assert.match(String(routes(pipeline)[0]?.closed), /prod\/told/)
  assert.deepEqual(pipeline.findings(), [], 'nobody has looked yet')
  const headers = (): unknown => (routes(pipeline)[0]?.policies['external_auth'] as { request_headers?: unknown }).request_headers
  for (const value of ['a', 'b']) {
    pipeline.objects.set(configMap('prod', 'told', { 'X-A': value }))
    pipeline.graph.flush()
    assert.equal(routes(pipeline)[0]?.closed, undefined)
    assert.deepEqual(headers(), [{ set: 'X-A', value: [{ text: value }] }])
  }
  pipeline.objects.set(configMap('prod', 'told', { 'X-A': 'a\nb' }))
  pipeline.graph.flush()
  assert.match(String(routes(pipeline)[0]?.closed), /one line/)
})

test('what the ConfigMap of the controller asks for holds for all, and its name is asked for', () => {
  const pipeline = begin({})
  const [namespace = '', name = ''] = GOLDEN_OPTIONS.configMap.split('/')
  pipeline.objects.set(configMap(namespace, name, { 'global-auth-url': 'http://sso.example/' }))
  pipeline.graph.flush()
  assert.deepEqual([...pipeline.externalNames.keys()], ['sso.example'])
  assert.ok('external_auth' in (routes(pipeline)[0]?.policies ?? {}))
  pipeline.objects.set(configMap(namespace, name, { 'global-auth-url': 'nonsense' }))
  pipeline.graph.flush()
  assert.notEqual(pipeline.settings.refused, undefined)
  assert.ok('external_auth' in (routes(pipeline)[0]?.policies ?? {}), 'a mistake opens nothing')
  pipeline.objects.set(configMap(namespace, name, {}))
  pipeline.graph.flush()
  assert.equal('external_auth' in (routes(pipeline)[0]?.policies ?? {}), false)
  assert.deepEqual([...pipeline.externalNames.keys()], [])
})

test('an answer without a backend is no reason to close the paths: the service is asked first', () => {
  const pipeline = begin({ 'auth-url': 'http://sso.example/' })
  assert.equal(routes(pipeline)[0]?.closed, undefined)
  const web = service('prod', 'web')
  const annotations = { conf: 'return 200 "for everybody";' }
  pipeline.objects.set({ ...web, metadata: { ...web.metadata, annotations } })
  pipeline.graph.flush()
  const [route] = routes(pipeline)
  assert.deepEqual([route?.closed, Object.keys(route?.policies ?? {}).sort()], [undefined, ['direct_response', 'external_auth']])
})
