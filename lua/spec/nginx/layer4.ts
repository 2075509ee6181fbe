/** A data plane that has what the translation makes of objects: its nginx.conf and its records. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import type { Finding } from '../../../sidecar/ir/origin.ts'
import type { Capabilities } from '../../../sidecar/nginx/input.ts'
import type { PipelineOptions } from '../../../sidecar/pipeline/pipeline.ts'
import { GOLDEN_OPTIONS } from '../../../sidecar/testing/inputs.ts'
import { translate } from '../../../sidecar/translate.ts'
import { freePort, start, type DataPlane, type Json, type Variant } from './harness.ts'

const OPTIONS = {
  tcpServices: 'ingress/tcp', udpServices: 'ingress/udp', allowLoopback: true, watchIngressWithoutClass: true,
}

export interface Layer4 {
  readonly plane: DataPlane
  readonly capabilities: Capabilities
  readonly httpPort: number
  readonly httpsPort: number
  /** Loads the objects; gives what is wrong with them, and whether NGINX loaded another configuration. */
  apply(objects: readonly KubeObject[]): Promise<{ readonly findings: readonly Finding[]; readonly reloaded: boolean }>
}

export interface Layer4Options extends Partial<PipelineOptions> {
  /** Pushed with those that the objects make. */
  readonly records?: Json
  /** To listen on; by default 127.0.0.1. */
  readonly addresses?: readonly string[]
}

export async function layer4(t: TestContext, variant: Variant, given: Layer4Options = {}): Promise<Layer4> {
  const { records: more, addresses = ['127.0.0.1'], ...options } = given
  const plane = await start(variant)
  t.after(() => plane.stop())
  const { capabilities } = await plane.status()
  const ports = { httpPort: await freePort(), httpsPort: await freePort() }
  const listeners = { addresses, sslPassthrough: options.sslPassthrough === true, ...ports }
  return {
    plane,
    capabilities,
    ...ports,
    apply: async (objects) => {
      const input = { objects, options: { ...GOLDEN_OPTIONS, ...OPTIONS, ...options }, listeners, capabilities }
      const { config, records, findings } = translate(input)
      await plane.put({ ...records, ...more })
      const answer = await plane.call('PUT', '/v1/config', config)
      assert.equal(answer.status, 200, `${answer.text}\n${config}`)
      return { findings, reloaded: answer.body.reloaded }
    },
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ingress', name }, data } as KubeObject
}

/** An Ingress of namespace `prod` for `/` of a host; `annotations` without their prefix. */
export function ingress(
  name: string, host: string, to: string, annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  const prefixed = Object.entries(annotations).map(([key, text]) => [`nginx.ingress.kubernetes.io/${key}`, text])
  const path = { path: '/', pathType: 'Prefix', backend: { service: { name: to, port: { number: 80 } } } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'prod', name, annotations: Object.fromEntries(prefixed) },
    spec: { rules: [{ host, http: { paths: [path] } }] },
  } as KubeObject
}

export interface ServiceOptions {
  readonly protocol?: 'TCP' | 'UDP'
  readonly draining?: readonly number[]
}

/** Service `prod/<name>`, port 80 (name `main`), and its endpoints: ports of 127.0.0.1. */
export function service(name: string, ports: readonly number[], options: ServiceOptions = {}): KubeObject[] {
  const { protocol = 'TCP', draining = [] } = options
  const metadata = { namespace: 'prod', labels: { 'kubernetes.io/service-name': name } }
  const slices = [...ports, ...draining].map((port, i) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, name: `${name}-${i}` },
    addressType: 'IPv4',
    ports: [{ name: 'main', port, protocol }],
    endpoints: [{
      addresses: ['127.0.0.1'],
      conditions: { ready: !draining.includes(port), serving: true },
    }],
  }))
  const spec = { ports: [{ name: 'main', port: 80, protocol }] }
  return [{ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'prod', name }, spec }, ...slices] as KubeObject[]
}
