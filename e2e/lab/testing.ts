/** Objects for tests, short to write. */

import type { V1Container, V1PodSpec, V1Probe } from '@kubernetes/client-node'
import type { KubernetesObject } from './client.ts'
import type { Target } from './faults.ts'
import type { Lab } from './lab.ts'

export interface DeploymentOptions {
  readonly namespace?: string
  /** By default `resty-ingress/backend`. */
  readonly image?: string
  readonly replicas?: number
  /** Of the readiness probe; by default that of `resty-ingress/backend`. */
  readonly path?: string
  readonly container?: Partial<V1Container>
  readonly pod?: Partial<V1PodSpec>
  /** A change makes a new version: the Deployment rolls. */
  readonly version?: string
}

export type Deployment = KubernetesObject & {
  readonly spec: { readonly replicas: number, readonly selector: object, readonly template: object }
}

/**
 * A pod that is slow because the machine is busy stays ready; one that does not listen is unready at once.
 * `timeoutSeconds`: for a test of what happens to a pod that hangs.
 */
export function readinessOf(path = '/-/ready', timeoutSeconds = 10): V1Probe {
  return { httpGet: { path, port: 'http' }, periodSeconds: 1, timeoutSeconds, failureThreshold: 1 }
}

/** A pod that is told to end serves on until `mayEnd`, two minutes at most: a fixed time is too short for somebody. */
export const LINGERING: { readonly container: Partial<V1Container>, readonly pod: Partial<V1PodSpec> } = {
  container: {
    lifecycle: { preStop: { exec: { command: ['sh', '-c', 'until [ -e /tmp/may-end ]; do sleep 0.1; done'] } } },
  },
  pod: { terminationGracePeriodSeconds: 120 },
}

export async function mayEnd(lab: Lab, target: Target): Promise<void> {
  await lab.exec(target, ['touch', '/tmp/may-end'])
}

/** A Deployment whose pods serve HTTP on port 3000 and carry the label `app: <name>`. */
export function deploymentOf(name: string, options: DeploymentOptions = {}): Deployment {
  const { namespace = 'default', replicas = 1, version = '1', pod = {} } = options
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { version } },
        spec: { terminationGracePeriodSeconds: 30, ...pod, containers: [mainContainer(options)] },
      },
    },
  }
}

function mainContainer({ image = 'resty-ingress/backend', path, container = {} }: DeploymentOptions): V1Container {
  return {
    name: 'main',
    image,
    ports: [{ name: 'http', containerPort: 3000 }],
    readinessProbe: readinessOf(path),
    ...container,
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      ...container.env ?? [],
    ],
  }
}

export interface ServiceOptions {
  readonly namespace?: string
  /** By default 80. */
  readonly port?: number
  readonly type?: string
}

/** A Service in front of `deploymentOf(name)`. */
export function serviceOf(name: string, { namespace = 'default', port = 80, type }: ServiceOptions = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      selector: { app: name },
      ports: [{ name: 'http', port, targetPort: 'http' }],
      ...type === undefined ? {} : { type },
    },
  } as KubernetesObject
}
