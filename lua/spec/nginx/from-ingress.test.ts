/** From objects to clients: manifests are translated, pushed, and requests go where they say. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { translate } from '../../../sidecar/translate.ts'
import { backend, type Backend } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { serve, variants, type Json, type Served, type Variant } from './harness.ts'

const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }
const HOST = 'a.example'
const MAIN = { created: 1, service: 'main' }

interface Parts {
  readonly created: number
  readonly service: string
  readonly annotations?: Readonly<Record<string, string>>
}

function object(kind: KubeObject['kind'], name: string, rest: { readonly metadata?: object }): KubeObject {
  const { metadata, ...others } = rest
  return { apiVersion: 'v1', kind, ...others, metadata: { namespace: 'prod', name, ...metadata } }
}

function ingress(name: string, { created, service, annotations = {} }: Parts): KubeObject {
  const path = { path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }
  const prefixed = Object.entries(annotations).map(([key, text]) => [`nginx.ingress.kubernetes.io/${key}`, text])
  return object('Ingress', name, {
    metadata: { creationTimestamp: `2026-01-0${created}T00:00:00Z`, annotations: Object.fromEntries(prefixed) },
    spec: { ingressClassName: 'resty-ingress', rules: [{ host: HOST, http: { paths: [path] } }] },
  } as object)
}

/** A Service, and its endpoints: one slice for each, as each has a port of its own. */
function service(name: string, peers: readonly Backend[], draining: readonly Backend[] = []): KubeObject[] {
  const slices = [...peers, ...draining].map((peer, i) => {
    const conditions = draining.includes(peer) ? { ready: false, serving: true, terminating: true } : { ready: true }
    return object('EndpointSlice', `${name}-${i}`, {
      metadata: { labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ port: peer.port }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions }],
    } as object)
  })
  return [object('Service', name, { spec: { ports: [{ port: 80 }] } } as object), ...slices]
}

const CLASS = {
  ...object('IngressClass', 'resty-ingress', { spec: { controller: GOLDEN_OPTIONS.controllerClass } } as object),
  metadata: { namespace: '', name: 'resty-ingress' },
}

async function apply({ plane }: Served, objects: readonly KubeObject[]): Promise<void> {
  const options = { ...GOLDEN_OPTIONS, allowLoopback: true }
  const { records, findings } = translate({ objects: [CLASS, ...objects], options, listeners: LISTENERS })
  assert.deepEqual(findings, [])
  await plane.put(records as Json)
}

async function peersOf(test: TestContext, ...names: readonly string[]): Promise<Backend[]> {
  return Promise.all(names.map((name) => backend(test, name)))
}

async function peerOf(served: Served, what: Ask = {}): Promise<string> {
  return ((await ask(served.http, { host: HOST, ...what })).text.split(' ')[0] ?? '')
}

function cookieOf(reply: Reply): string {
  return String(reply.headers['set-cookie']).split(';')[0] ?? ''
}

function begin(test: TestContext, variant: Variant): Promise<Served> {
  return serve(test, { variant, workers: 2, reloaded: false })
}

for (const variant of variants()) {
  describe(`from an Ingress to its clients: ${variant}`, () => {
    test('a canary by weight and by header, and its end', async (t) => {
      const served = await begin(t, variant)
      const peers = await peersOf(t, 'main', 'next')
      const [main, next] = peers.map((peer) => service(peer.name, [peer]))
      const objects = [...(main ?? []), ...(next ?? []), ingress('main', MAIN)]
      const canary = (weight: string): KubeObject => {
        const annotations = { canary: 'true', 'canary-weight': weight, 'canary-by-header': 'X-Canary' }
        return ingress('next', { created: 2, service: 'next', annotations })
      }
      await apply(served, [...objects, canary('0')])
      assert.equal(await peerOf(served), 'main')
      assert.equal(await peerOf(served, { headers: { 'x-canary': 'always' } }), 'next')
      await apply(served, [...objects, canary('100')])
      assert.equal(await peerOf(served), 'next')
      assert.equal(await peerOf(served, { headers: { 'x-canary': 'never' } }), 'main')
      await apply(served, objects)
      assert.equal(await peerOf(served, { headers: { 'x-canary': 'always' } }), 'main')
    })

    test('a cookie of affinity leads to its endpoint, also while that terminates', async (t) => {
      const served = await begin(t, variant)
      const peers = await peersOf(t, 'one', 'two', 'three')
      const main = ingress('main', { ...MAIN, annotations: { affinity: 'cookie', 'affinity-mode': 'persistent' } })
      await apply(served, [...service('main', peers), main])
      const first = await ask(served.http, { host: HOST })
      const name = first.text.split(' ')[0] ?? ''
      const cookie = cookieOf(first)
      const here = peers.filter((peer) => peer.name === name)
      const others = peers.filter((peer) => peer.name !== name)
      await apply(served, [...service('main', others, here), main])
      for (let i = 0; i < 6; i += 1) {
        assert.equal(await peerOf(served, { headers: { cookie } }), name)
        assert.notEqual(await peerOf(served), name)
      }
      await apply(served, [...service('main', others), main])
      assert.notEqual(await peerOf(served, { headers: { cookie } }), name)
    })

    test('requests with one value of upstream-hash-by go to one endpoint', async (t) => {
      const served = await begin(t, variant)
      const peers = await peersOf(t, 'one', 'two', 'three')
      const annotations = { 'upstream-hash-by': '$arg_user-$host' }
      await apply(served, [...service('main', peers), ingress('main', { ...MAIN, annotations })])
      const seen = new Set<string>()
      for (let user = 0; user < 60; user += 1) {
        const path = `/?user=${user}`
        const name = await peerOf(served, { path })
        for (let i = 0; i < 2; i += 1) assert.equal(await peerOf(served, { path }), name)
        seen.add(name)
      }
      assert.equal(seen.size, 3)
    })
  })
}
