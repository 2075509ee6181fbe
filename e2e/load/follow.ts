/** Keeps a load's expected set equal to a Service's endpoints, as the apiserver tells them. */

import type { V1EndpointSlice } from '@kubernetes/client-node'
import type { Client } from '../lab/client.ts'
import type { Load } from './load.ts'
import { now } from './types.ts'

const KIND = 'discovery.k8s.io/v1/EndpointSlice'

/** Ends the following. */
export type Unfollow = () => Promise<void>

/**
 * Expects answers of `group` from the ready endpoints of the Service, from now on. Returns when the
 * present set is known. When the apiserver goes away, the last set stays until it is back.
 */
export async function followEndpoints(
  load: Load, client: Client, service: { readonly namespace: string, readonly name: string }, group = service.name,
): Promise<Unfollow> {
  const stopped = new AbortController()
  const scope = { namespace: service.namespace, labelSelector: `kubernetes.io/service-name=${service.name}` }
  const slices = new Map<string, V1EndpointSlice>()
  const expect = (): void => { load.expect(group, readyPods([...slices.values()]), now()) }

  const list = async (): Promise<string> => {
    const { items, resourceVersion } = await client.listWithVersion<V1EndpointSlice & object>(KIND, scope)
    slices.clear()
    for (const slice of items) slices.set(slice.metadata?.name ?? '', slice)
    expect()
    return resourceVersion
  }
  const watch = async (resourceVersion: string): Promise<void> => {
    const events = client.watch<V1EndpointSlice & object>(KIND, { ...scope, resourceVersion }, stopped.signal)
    for await (const { type, object } of events) {
      if (type === 'ERROR') return
      if (type === 'DELETED') slices.delete(object.metadata?.name ?? '')
      else slices.set(object.metadata?.name ?? '', object)
      expect()
    }
  }
  const follow = async (first: string): Promise<void> => {
    let version: string | undefined = first
    while (!stopped.signal.aborted) {
      if (version !== undefined) await watch(version).catch(() => {})
      if (stopped.signal.aborted) return
      // A follower that nobody has ended must not keep a failed test alive.
      await new Promise(resolve => { setTimeout(resolve, 50).unref() })
      version = await list().catch(() => undefined)
    }
  }

  const following = follow(await list())
  return async () => {
    stopped.abort()
    await following
  }
}

function readyPods(slices: readonly V1EndpointSlice[]): string[] {
  return slices.flatMap(slice => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ targetRef }) => targetRef?.name ?? '')
}
