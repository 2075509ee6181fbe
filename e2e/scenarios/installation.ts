/** Another installation of the controller beside the one of `manifests/`: other namespace, other arguments. */

import { join } from 'node:path'
import type { V1Deployment, V1PolicyRule } from '@kubernetes/client-node'
import type { KubernetesObject } from '../lab/client.ts'
import type { Lab } from '../lab/lab.ts'
import { readKustomization } from '../lab/manifests.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { findController, type Controller } from './controller.ts'

type Named = KubernetesObject & {
  readonly subjects?: readonly { namespace?: string }[]
  readonly roleRef?: { kind: string, name: string }
  readonly rules?: readonly V1PolicyRule[]
}

export interface Installation {
  /** Come after those of the manifests and so win over them. */
  readonly args?: readonly string[]
  /** By default 1. */
  readonly replicas?: number
}

/** Kinds that a cluster has once, or that are for the test to make. */
const ONCE = new Set(['IngressClass', 'CustomResourceDefinition'])

/** The controller of `manifests/` in a namespace of its own. Classes are for the caller to make. */
export async function installController(lab: Lab, namespace: string, args: readonly string[]): Promise<Controller> {
  await applyInstallation(lab, namespace, { args })
  return await findController(lab, namespace)
}

/** The same with several replicas; resolves when all are ready. */
export async function installReplicas(lab: Lab, namespace: string, installation: Installation): Promise<void> {
  await applyInstallation(lab, namespace, installation)
  await lab.waitForDeployment(namespace, 'resty-ingress')
}

async function applyInstallation(lab: Lab, namespace: string, installation: Installation): Promise<void> {
  const { args = [], replicas = 1 } = installation
  const objects = await readKustomization(join(REPOSITORY, 'manifests'))
  const wanted = objects.filter(({ kind }) => !ONCE.has(kind ?? ''))
  for (const object of wanted) rename(object, namespace)
  allowLease(wanted, args)
  const deployment = wanted.find(({ kind }) => kind === 'Deployment') as (V1Deployment & KubernetesObject) | undefined
  if (deployment?.spec === undefined) throw new Error('the manifests have no Deployment')
  deployment.spec.replicas = replicas
  deployment.spec.template.spec?.containers.find(({ name }) => name === 'sidecar')?.args?.push(...args)
  await lab.apply(wanted)
}

/** An election under another name needs the right on that Lease. */
function allowLease(objects: readonly Named[], args: readonly string[]): void {
  const name = args.findLast((text) => text.startsWith('--election-id='))?.split('=')[1]
  const rules = objects.flatMap(({ kind, rules: all = [] }) => (kind === 'Role' ? all : []))
  for (const rule of rules.filter(({ resources, resourceNames }) => resources?.includes('leases') && resourceNames)) {
    if (name !== undefined) rule.resourceNames = [name]
  }
}

/** What kustomize does for `namespace`, and cluster-wide names that do not meet those of the first. */
function rename(object: Named, namespace: string): void {
  if (object.metadata?.namespace !== undefined) object.metadata.namespace = namespace
  else object.metadata = { ...object.metadata, name: namespace }
  for (const subject of object.subjects ?? []) subject.namespace = namespace
  if (object.roleRef?.kind === 'ClusterRole') object.roleRef.name = namespace
}
