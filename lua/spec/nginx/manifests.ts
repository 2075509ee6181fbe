/** A data plane that runs what objects are translated to: records, and nginx.conf as it is rendered. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { Finding } from '../../../sidecar/ir/origin.ts'
import type { Resolution } from '../../../sidecar/ir/types.ts'
import type { PipelineOptions } from '../../../sidecar/pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { translate } from '../../../sidecar/translate.ts'
import { backend, type Backend, type Handler } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { freePort, start, type DataPlane, type Json, type Variant } from './harness.ts'

export const HOST = 'a.example'

export interface Site {
  readonly plane: DataPlane
  readonly http: string
  readonly https: string
  /** The whole set of objects, and what DNS says of names; in force when it resolves; what is wrong with them. */
  apply(objects: readonly KubeObject[], resolutions?: Readonly<Record<string, Resolution>>): Promise<readonly Finding[]>
}

/** Stopped after the test. */
export async function site(test: TestContext, variant: Variant, flags: Partial<PipelineOptions> = {}): Promise<Site> {
  const plane = await start(variant)
  test.after(async () => {
    await plane.stop()
    await rm(plane.folder, { recursive: true, force: true })
  })
  const listeners = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: await freePort() }
  const { capabilities } = await plane.status()
  const options = { ...GOLDEN_OPTIONS, allowLoopback: true, httpsRedirectPort: listeners.httpsPort, ...flags }
  const apply: Site['apply'] = async (objects, resolutions = {}) => {
    const input = { objects: [CLASS, ...objects], options, listeners, capabilities, resolutions }
    const { config, files, records, findings } = translate(input)
    for (const [digest, content] of Object.entries(files)) {
      assert.equal((await plane.call('PUT', `/v1/files/${digest}.pem`, content)).status, 200)
    }
    const answer = await plane.call('PUT', '/v1/config', config)
    assert.equal(answer.status, 200, answer.text)
    await plane.put(records as Json)
    return findings
  }
  return { plane, http: `http://127.0.0.1:${listeners.httpPort}`, https: `https://127.0.0.1:${listeners.httpsPort}`, apply }
}

interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>
}

function object(kind: KubeObject['kind'], name: string, metadata: object, rest: object): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { namespace: 'prod', name, ...metadata }, ...rest }
}

const CLASS = object('IngressClass', 'resty-ingress', { namespace: '' }, { spec: { controller: GOLDEN_OPTIONS.controllerClass } })

/** Of the Service of that name at each path; `/` when there is none. */
export function ingress(service: string, metadata: Metadata = {}, paths: readonly string[] = ['/']): KubeObject {
  const backend = { service: { name: service, port: { number: 80 } } }
  const rule = { host: HOST, http: { paths: paths.map((path) => ({ path, pathType: 'Prefix', backend })) } }
  return object('Ingress', service, { creationTimestamp: '2026-01-01T00:00:00Z', ...metadata }, {
    spec: { ingressClassName: 'resty-ingress', rules: [rule] },
  })
}

/** A Service, and its endpoints: one slice for each, as each has a port of its own. */
export function service(name: string, metadata: Metadata = {}, ...peers: readonly Backend[]): KubeObject[] {
  const slices = peers.map((peer, i) =>
    object('EndpointSlice', `${name}-${i}`, { labels: { 'kubernetes.io/service-name': name } }, {
      addressType: 'IPv4',
      ports: [{ port: peer.port }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    }))
  return [object('Service', name, metadata, { spec: { ports: [{ port: 80 }] } }), ...slices]
}

export interface ConfSite extends Site {
  readonly web: Backend
  ask(what?: Ask): Promise<Reply>
}

interface ConfOptions {
  readonly answer?: Handler
  /** Of the Ingress. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** A Service with this `conf`, without a finding, and an Ingress that leads to it. */
export async function withConf(
  test: TestContext, variant: Variant, conf: string, options: ConfOptions = {},
): Promise<ConfSite> {
  const web = await backend(test, 'web', options.answer)
  const served = await site(test, variant)
  const findings = await served.apply([...service('web', { annotations: { conf } }, web), ingress('web', options)])
  assert.deepEqual(findings, [])
  return { ...served, web, ask: (what = {}) => ask(served.http, what) }
}

/** A Proxy of this host with these rules. */
export function proxy(name: string, ...rules: readonly object[]): KubeObject {
  return {
    ...object('Proxy', name, { creationTimestamp: '2026-01-01T00:00:00Z' }, {
      spec: { ingressClassName: 'resty-ingress', hosts: [HOST], rules },
    }),
    apiVersion: 'resty-ingress.io/v1alpha1',
  }
}
