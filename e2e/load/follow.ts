/** Keeps a load's expected set equal to a Service's endpoints, as the apiserver tells them. */

import type { V1EndpointSlice } from '@kubernetes/client-node'
import type { Client, ObjectName } from '../lab/client.ts'
import { Follower } from '../lab/follower.ts'
import type { Load } from './load.ts'
import { now } from './types.ts'

/** Ends the following. */
export type Unfollow = () => Promise<void>

/**
 * Expects answers of `group` from the ready endpoints of the Service, from now on. Returns when the
 * present set is known. When the apiserver goes away, the last set stays until it is back.
 */
export async function followEndpoints(
  load: Load, client: Client, service: Required<ObjectName>, group = service.name,
): Promise<Unfollow> {
  const follower = new Follower<V1EndpointSlice & object>({
    client,
    kind: 'discovery.k8s.io/v1/EndpointSlice',
    scope: { namespace: service.namespace, labelSelector: `kubernetes.io/service-name=${service.name}` },
    changed: () => { load.expect(group, readyPods(follower.objects), now()) },
  })
  await follower.start()
  return async () => { await follower.stop() }
}

function readyPods(slices: readonly V1EndpointSlice[]): string[] {
  return slices.flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ targetRef }) => targetRef?.name ?? '')
}
