/** What an administrator does with nodes: labels, cordon, drain. */

import type { V1Pod } from '@kubernetes/client-node'
import { ApiError } from '../../lab/client.ts'
import type { Lab } from '../../lab/lab.ts'

const LABEL = 'node-role.kubernetes.io/ingress'

/** `kubectl label node NODE node-role.kubernetes.io/ingress=`, or `...ingress-`. */
export async function labelNode(lab: Lab, node: string, isIngressNode = true): Promise<void> {
  await lab.client.patch('v1/Node', { name: node }, { metadata: { labels: { [LABEL]: isIngressNode ? '' : null } } })
}

/** `kubectl cordon NODE`, or `uncordon`. */
export async function cordon(lab: Lab, node: string, unschedulable = true): Promise<void> {
  await lab.client.patch('v1/Node', { name: node }, { spec: { unschedulable } })
}

/** One try to evict a pod, as `kubectl drain` makes it; false: a disruption budget forbids it now. */
export async function evict(lab: Lab, { metadata }: V1Pod): Promise<boolean> {
  const { namespace = '', name = '' } = metadata ?? {}
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } }
  try {
    await lab.client.call('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, eviction)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 429) return false
    if (error instanceof ApiError && error.status === 404) return true
    throw error
  }
}

/** The pods of a node that a drain ends: all but those of DaemonSets. */
export async function podsOf(lab: Lab, node: string): Promise<V1Pod[]> {
  const pods = await lab.client.list<V1Pod & object>('v1/Pod', { fieldSelector: `spec.nodeName=${node}` })
  return pods.filter(({ metadata }) => metadata?.ownerReferences?.every(({ kind }) => kind !== 'DaemonSet') === true)
}

/** `kubectl drain NODE --ignore-daemonsets`: resolves when the node has no pod any more that can be elsewhere. */
export async function drain(lab: Lab, node: string): Promise<void> {
  await cordon(lab, node)
  for (const pod of await podsOf(lab, node)) {
    await lab.waitFor(`the eviction of ${pod.metadata?.name}`, async () => await evict(lab, pod))
  }
  await lab.waitFor(`${node} is empty`, async () => (await podsOf(lab, node)).length === 0)
}
