/** Objects of a user: backends that say who they are, Ingresses in front of them. */

import type { V1HTTPIngressPath, V1IngressBackend, V1IngressTLS } from '@kubernetes/client-node'
import type { KubernetesObject } from '../lab/client.ts'
import type { Lab } from '../lab/lab.ts'
import { deploymentOf, serviceOf, type DeploymentOptions } from '../lab/testing.ts'

/** Longer than any change needs to get from the apiserver to the proxy. */
const PRE_STOP_SECONDS = 3

/** A Deployment of the lab's backend that serves on for a while when it is told to end, as it should be. */
export function echoOf(name: string, options: DeploymentOptions = {}): KubernetesObject {
  const lifecycle = { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } }
  return deploymentOf(name, { ...options, container: { lifecycle, ...options.container } })
}

/** Deployment and Service, ready, and all of its pods endpoints. */
export async function startEcho(lab: Lab, name: string, options: DeploymentOptions = {}): Promise<void> {
  const { namespace = 'default', replicas = 1 } = options
  await lab.apply([echoOf(name, options), serviceOf(name, { namespace })])
  await lab.waitForDeployment(namespace, name)
  await lab.waitForEndpoints(namespace, name, replicas)
}

/** Applies an object; whatever is made after that is younger, since ages are whole seconds. */
export async function applyBefore(lab: Lab, object: KubernetesObject): Promise<void> {
  const [applied] = await lab.apply(object)
  const { creationTimestamp = '' } = applied?.metadata as { creationTimestamp?: string }
  await lab.waitFor('the next second', () => Date.now() >= Date.parse(creationTimestamp) + 1000)
}

export interface Rule {
  /** Absent: any host. */
  readonly host?: string
  /** By default everything below `/`. */
  readonly path?: string
  readonly pathType?: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly service: string
  /** Number or name; by default 80. */
  readonly port?: number | string
}

export interface IngressOptions {
  readonly namespace?: string
  readonly rules?: readonly Rule[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly defaultBackend?: string
  readonly tls?: readonly V1IngressTLS[]
  /** By default ours; null: none. */
  readonly className?: string | null
}

export type Ingress = KubernetesObject & { readonly spec: object }

export function ingressOf(name: string, options: IngressOptions): Ingress {
  const { namespace = 'default', rules = [], annotations = {}, className = 'resty-ingress' } = options
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace, annotations: { ...annotations } },
    spec: {
      ...className === null ? {} : { ingressClassName: className },
      ...rules.length === 0 ? {} : { rules: rules.map(ruleOf) },
      ...options.defaultBackend === undefined ? {} : { defaultBackend: backendOf(options.defaultBackend, 80) },
      ...options.tls === undefined ? {} : { tls: options.tls },
    },
  }
}

function ruleOf({ host, path = '/', pathType = 'Prefix', service, port = 80 }: Rule): object {
  const entry: V1HTTPIngressPath = { path, pathType, backend: backendOf(service, port) }
  return { ...host === undefined ? {} : { host }, http: { paths: [entry] } }
}

function backendOf(name: string, port: number | string): V1IngressBackend {
  return { service: { name, port: typeof port === 'number' ? { number: port } : { name: port } } }
}
