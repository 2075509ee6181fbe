/** Which of the replicas of an installation leads: it alone writes status and Events. */

import type { V1Lease } from '@kubernetes/client-node'
import type { Lab } from '../lab/lab.ts'

/** Name of the pod that holds the lease; '' while nobody does. */
export async function leaderOf(lab: Lab, namespace: string): Promise<string> {
  const lease = await lab.client.find<V1Lease & object>('coordination.k8s.io/v1/Lease', {
    namespace, name: 'resty-ingress-leader',
  })
  return lease?.spec?.holderIdentity ?? ''
}

/** Resolves with the pod that leads, when it is one that stays: what it writes is not taken over any more. */
export async function lastingLeader(lab: Lab, namespace: string): Promise<string> {
  return await lab.waitFor('a leader that stays', async () => {
    const holder = await leaderOf(lab, namespace)
    const pods = await lab.pods(namespace, 'app.kubernetes.io/name=resty-ingress')
    return pods.some(({ metadata }) => metadata?.name === holder) && holder
  })
}
