/** The commands that look inside, against a real admin server and a folder that `translate` wrote. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Registry } from 'prom-client'
import { startAdmin } from '../api/server.ts'
import { streamsView } from '../api/stream-views.ts'
import type { KubeObject } from '../collection/objects.ts'
import { explain } from '../explain/explain.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Layer4 } from '../ir/types.ts'
import { StartError, UsageError } from '../options/options.ts'
import { GOLDEN_OPTIONS } from '../testing/inputs.ts'
import { translate, writeTranslation, type Translation } from '../translate.ts'
import { inspect } from './inspect.ts'

const OBJECTS: readonly KubeObject[] = [
  {
    apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'ours', namespace: '' },
    spec: { controller: GOLDEN_OPTIONS.controllerClass },
  },
  {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress',
    metadata: { name: 'shop', namespace: 'prod', annotations: { 'resty-ingress.io/proxy-read-timeout': '600' } },
    spec: {
      ingressClassName: 'ours',
      rules: [{
        host: 'test.domain.com',
        http: { paths: [{ path: '/web', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
      }],
    },
  },
  {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'prod' }, spec: { ports: [{ port: 80 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4',
    metadata: { name: 'web-1', namespace: 'prod', labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ port: 8080 }], endpoints: [{ addresses: ['198.18.1.4'] }],
  },
]

function translation(): Translation {
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443 }
  return translate({ objects: OBJECTS, options: GOLDEN_OPTIONS, listeners })
}

async function admin(t: TestContext): Promise<number> {
  const records = new Map(Object.entries(translation().records))
  const away = async (): Promise<never> => {
    throw new Error('away')
  }
  const dataPlane = { metrics: away, processes: away, requests: away }
  const server = await startAdmin({
    host: '127.0.0.1', port: 0, healthCheckPath: '/healthz',
    metrics: { registry: new Registry(), dataPlane, labels: {}, requests: undefined },
    views: {
      notReady: () => ['not yet'], records: () => records, isApplied: () => true, findings: () => FINDINGS,
      streams: () => streamsView(LAYER4, false), generations: () => [],
      explain: async (request) => explain(request, { records, notes: () => [], findings: [] }),
      config: away,
      status: async () => ({ version: '1.2.3', ready: false, reasons: ['not yet'], records: records.size, findings: FINDINGS.length, leftOut: 2 }),
    },
  })
  t.after(() => server.close())
  return server.port
}

const MAP: Origin = { kind: 'ConfigMap', namespace: 'ingress', name: 'tcp', field: 'data[5432]' }
const LAYER4: Layer4 = {
  ports: [{
    protocol: 'TCP', port: 5432, acceptProxyProtocol: false, sendProxyProtocol: false, origin: MAP,
    backend: { namespace: 'prod', service: 'db', port: '5432' }, endpoints: [{ address: '198.18.1.5', port: 5432 }],
  }],
  passthrough: [{
    host: 'tls.example', origin: { kind: 'Ingress', namespace: 'prod', name: 'tls', field: '' },
    backend: { namespace: 'prod', service: 'web', port: 'https' }, endpoints: [],
  }],
}
const FINDINGS: Finding[] = Array.from({ length: 21 }, (_, i) => ({
  origin: { kind: 'Proxy', namespace: 'prod', name: `p${i}`, field: 'spec.rules[0]' },
  severity: 'error', reason: 'InvalidField', message: 'spec.rules[0]: a bell \u0007 is refused',
}))

test('status: what runs, a line for each route and port, and what is wrong', async (t) => {
  const port = await admin(t)
  const text = await inspect({ name: 'status', port, output: 'text' })
  assert.match(text, /^resty-ingress 1\.2\.3: not ready: not yet$/m)
  assert.match(text, /^OpenResty: cannot be reached$/m)
  assert.match(text, /^prod +Ingress\/shop +test\.domain\.com +\/web +web +80 +1 +198\.18\.1\.4:8080$/m)
  assert.match(text, /^Ingresses and Proxies left out, .*: 2$/m)
  assert.match(text, /^Endpoints of TCP, UDP and TLS passthrough change by reloads: this NGINX has no stream-lua\.$/m)
  assert.match(text, /^ingress +ConfigMap\/tcp +TCP 5432 +db +5432 +198\.18\.1\.5:5432$/m)
  assert.match(text, /^prod +Ingress\/tls +TLS tls\.example +web +https +\(none\)$/m)
  assert.match(text, /^error: Proxy prod\/p19: spec\.rules\[0\]: a bell \\u\{7\} is refused\n\.\.\. and 1 more: /m)
  const { routes, streams, findings } = JSON.parse(await inspect({ name: 'status', port, output: 'json' }))
  assert.deepEqual([routes.length, streams.ports.length, findings.length], [1, 1, 21])
})

test('records: a line of JSON each, those of a prefix', async (t) => {
  const text = await inspect({ name: 'records', port: await admin(t), prefix: 'backend/' })
  assert.equal(JSON.parse(text).key, 'backend/prod/web/80')
  assert.equal(text.split('\n').length, 2)
})

test('explain: what runs, and what translate wrote, which knows who said what', async (t) => {
  const url = 'http://test.domain.com/web/v1'
  const asked = { name: 'explain', output: 'text', url, method: 'GET', headers: [] } as const
  assert.match(await inspect({ ...asked, port: await admin(t) }), /^outcome {3}sent to an endpoint$/m)
  const folder = mkdtempSync(join(tmpdir(), 'resty-ingress-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await writeTranslation(translation(), folder)
  const text = await inspect({ ...asked, port: 1, translation: folder })
  assert.match(text, /^route {5}\/web \(Prefix\) of Ingress prod\/shop spec\.rules\[0\]\.http\.paths\[0\]\.path$/m)
  const by = /^ {10}read by Ingress prod\/shop metadata\.annotations\[resty-ingress\.io\/proxy-read-timeout\]$/m
  assert.match(text, by)
})

test('who asks wrongly, or asks nobody, is told so', async (t) => {
  const asked = { name: 'explain', output: 'text', method: 'GET', headers: [] } as const
  await assert.rejects(inspect({ ...asked, url: 'nothing', port: 1 }), UsageError)
  const nowhere = inspect({ ...asked, url: 'http://a.example', port: 1, translation: '/nowhere' })
  await assert.rejects(nowhere, /no folder that `translate` wrote/)
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  await once(free, 'close')
  const nobody = inspect({ name: 'config', port })
  await assert.rejects(nobody, (error) => error instanceof StartError && /--healthz-port/.test(error.message))
  await assert.rejects(inspect({ name: 'config', port: await admin(t) }), /OpenResty cannot be reached/)
  await assert.rejects(inspect({ name: 'records', port: await admin(t), prefix: 'x' }), /no record has a key that begins with "x"/)
})
