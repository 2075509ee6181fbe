/** Another installation of the controller beside the one of `manifests/`: other namespace, other arguments. */

import { join } from 'node:path'
import type { V1Deployment } from '@kubernetes/client-node'
import type { KubernetesObject } from '../lab/client.ts'
import type { Lab } from '../lab/lab.ts'
import { readKustomization } from '../lab/manifests.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { findController, type Controller } from './controller.ts'

type Named = KubernetesObject & {
  readonly subjects?: readonly { namespace?: string }[]
  readonly roleRef?: { kind: string, name: string }
}

/** `arguments` come after those of the manifests and so win over them. Classes are for the caller to make. */
export async function installController(lab: Lab, namespace: string, args: readonly string[]): Promise<Controller> {
  const objects = await readKustomization(join(REPOSITORY, 'manifests'))
  const wanted = objects.filter(({ kind }) => kind !== 'IngressClass' && kind !== 'CustomResourceDefinition')
  for (const object of wanted) rename(object, namespace)
  const deployment = wanted.find(({ kind }) => kind === 'Deployment') as (V1Deployment & KubernetesObject) | undefined
  const sidecar = deployment?.spec?.template.spec?.containers.find(({ name }) => name === 'sidecar')
  sidecar?.args?.push(...args)
  await lab.apply(wanted)
  return await findController(lab, namespace)
}

/** What kustomize does for `namespace`, and cluster-wide names that do not meet those of the first. */
function rename(object: Named, namespace: string): void {
  if (object.metadata?.namespace !== undefined) object.metadata.namespace = namespace
  else object.metadata = { ...object.metadata, name: namespace }
  for (const subject of object.subjects ?? []) subject.namespace = namespace
  if (object.roleRef?.kind === 'ClusterRole') object.roleRef.name = namespace
}
