import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind, KubeObject } from '../collection/objects.ts'
import type { Origin } from '../ir/origin.ts'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import { directive, number } from '../syntax/directive.ts'
import type { NginxInput } from '../nginx/input.ts'
import { renderConfig } from '../nginx/render.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { GenerationBook, type CauseSources } from './generation-book.ts'

const SHOP: Origin = { kind: 'Ingress', namespace: 'prod', name: 'shop', field: 'metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size]' }

const SOURCES: CauseSources = {
  classUsers: (name) => (name === 'c1' ? [SHOP] : []),
  settingOrigin: (name) => ({ kind: 'ConfigMap', namespace: 'edge', name: 'settings', field: `data[${name}]` }),
}

const INPUT: NginxInput = {
  settings: DEFAULT_SETTINGS,
  classes: [],
  listeners: { addresses: [], httpPort: 80, httpsPort: 443 },
  capabilities: {
    http2_directive: true, keepalive_min_timeout: true, headers_more: true, ipv6: true,
    stream: true, stream_lua: false, stream_realip: true,
  },
}

const BODY_LIMIT = { name: 'c1', directives: [directive('client_max_body_size', number(5, 0, 9))] }

const INGRESS_CLASS: KubeObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { namespace: '', name: 'resty-ingress' },
  spec: { controller: GOLDEN_OPTIONS.controllerClass },
}

function ingress(name: string, bodySize: string): KubeObject {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const rules = [{ host: `${name}.example`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }]
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'prod', name, annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': bodySize } },
    spec: { ingressClassName: 'resty-ingress', rules },
  }
}

function load(before: NginxInput | undefined, after: NginxInput, book = new GenerationBook(SOURCES)) {
  const previous = before === undefined ? undefined : renderConfig(before)
  const common = { generation: 2, servingMs: 5, durationMs: 7, reloaded: true, loadedAt: new Date(0) }
  return book.add({ ...common, config: renderConfig(after), previous })
}

function withSettings(settings: Partial<Settings>): NginxInput {
  return { ...INPUT, settings: { ...DEFAULT_SETTINGS, ...settings } }
}

test('a first configuration has no other cause', () => {
  const { causes, diff } = load(undefined, INPUT)
  assert.deepEqual(causes.map(({ kind }) => kind), ['start'])
  assert.equal(diff, '')
})

test('a setting is a cause only when it alone changes nginx.conf', () => {
  const { causes, diff } = load(INPUT, withSettings({ keepAlive: 30, proxyReadTimeout: 5 }))
  assert.deepEqual(causes.map(({ kind, origin }) => [kind, origin?.field]), [['setting', 'data[keepAlive]']])
  assert.match(diff, /^-    keepalive_timeout 75s;\n\+    keepalive_timeout 30s;$/m)
})

test('a new class names the object, the field and the directive', () => {
  const { causes } = load(INPUT, { ...INPUT, classes: [BODY_LIMIT] })
  assert.deepEqual(causes, [
    {
      kind: 'class', class: 'c1', directives: ['client_max_body_size 5;'], origin: SHOP,
      message: 'Ingress prod/shop, metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size], needs client_max_body_size 5;',
    },
  ])
})

test('a class that goes, another NGINX', () => {
  const capabilities = { ...INPUT.capabilities, http2_directive: false }
  const { causes } = load({ ...INPUT, classes: [BODY_LIMIT] }, { ...INPUT, capabilities })
  assert.deepEqual(causes.map(({ kind }) => kind), ['capability', 'unused_class'])
})

test('the last twenty are kept, all are counted', () => {
  const book = new GenerationBook(SOURCES)
  for (let seconds = 1; seconds <= 25; seconds += 1) load(INPUT, withSettings({ keepAlive: seconds }), book)
  assert.equal(book.all().length, 20)
  assert.equal(book.loads, 25)
  assert.deepEqual([...book.counts()], [['setting', 25]])
  assert.match(book.all().at(-1)?.diff ?? '', /keepalive_timeout 25s/)
})

test('the users of a class are the objects and annotations that call for it', () => {
  const pipeline = new Pipeline(GOLDEN_OPTIONS)
  for (const [kind, list] of Object.entries({ IngressClass: [INGRESS_CLASS], Ingress: [ingress('a', '5m'), ingress('b', '1m')] })) {
    pipeline.objects.replace(kind as Kind, list)
  }
  pipeline.graph.flush()
  const [only] = pipeline.classes()
  assert.ok(only !== undefined && pipeline.classes().length === 1)
  const users = pipeline.classUsers(only.name, 10).map(({ name, field }) => [name, field])
  assert.deepEqual(users, [['a', 'metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size]']])
  assert.deepEqual(pipeline.classUsers('c0', 10), [])
  assert.equal(pipeline.settingOrigin('keepAlive').field, 'data[keep-alive]')
})
