/** One object cannot make records of hundreds of megabytes, of which everybody's push would consist. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../collection/objects.ts'
import type { HostRecord } from '../dynamic/records.ts'
import { NEIGHBOUR, object, service, translated } from '../testing/neighbour.ts'

const AT_MOST = 16 * 1024 * 1024
const HOSTS = Array.from({ length: 40 }, (_, i) => `h${i}.example.com`)

/** The neighbour is served, the object as far as it fits, and somebody is told. */
function assertBounded(objects: readonly KubeObject[], field: string): void {
  const { records, findings } = translated([...NEIGHBOUR, ...objects])
  assert.ok(JSON.stringify(records).length < AT_MOST)
  assert.ok('host/default/good.example.com' in records)
  const routes = (host: string): number => (records[`host/default/${host}`] as HostRecord | undefined)?.routes.length ?? 0
  assert.ok(routes('h0.example.com') > 0)
  assert.equal(routes('h39.example.com'), 0)
  assert.deepEqual(findings.map(({ reason, origin }) => [reason, origin.field]), [['TooLarge', field]])
}

test('policies of a Proxy, for many hosts and rules', () => {
  const set = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`X-A-${i}`, 'v'.repeat(4000)]))
  const rules = Array.from({ length: 100 }, (_, i) => ({ path: { value: `/${i}` }, directResponse: { status: 200 } }))
  assertBounded([object('Proxy', 'bad', 'stranger', {
    apiVersion: 'resty-ingress.io/v1alpha1',
    spec: { ingressClassName: 'resty-ingress', hosts: HOSTS, policies: { responseHeaders: { set } }, rules },
  })], 'spec.rules')
})

/** Nearly as long as it may be. */
const conf = Array.from({ length: 4 }, (_, i) => `add_header X-${i} ${'v'.repeat(4000)};`).join('\n')

test('conf of a Service, for many paths of an Ingress', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const paths = Array.from({ length: 100 }, (_, i) => ({ path: `/${i}`, pathType: 'Prefix', backend }))
  const rules = HOSTS.map((host) => ({ host, http: { paths } }))
  const own = service('bad', 'web')
  assertBounded([
    { ...own, metadata: { ...own.metadata, annotations: { conf } } },
    object('Ingress', 'bad', 'stranger', { spec: { ingressClassName: 'resty-ingress', rules } }),
  ], 'spec.rules[].http.paths')
})

test('conf of a Service, for many hosts that it is exposed on', () => {
  const list = HOSTS.flatMap((host) => Array.from({ length: 25 }, (_, i) => `${host}/${i}`)).join(', ')
  const own = service('bad', 'web')
  const annotations = { conf, 'resty-ingress.io/expose': list }
  assertBounded([{ ...own, metadata: { ...own.metadata, annotations } }], 'metadata.annotations[resty-ingress.io/expose]')
})
