/** The pods that run the same as we do: what their Deployment or DaemonSet gave them tells them. */
import type { ObjectName } from '../ir/object-name.ts'
import { fields, items, text } from '../util/field.ts'
import { PagedList } from './paged-list.ts'
import { POD, asRawObject, collectionPath, objectPath } from './resource.ts'
import type { RawObject } from './resource.ts'
import type { ApiTransport } from './transport.ts'

/** Labels that controllers add to tell pods and their versions apart, as ingress-nginx leaves them out. */
const OF_ONE_VERSION = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
])

/** Of the node that a pod is bound to: Kubernetes copies them since 1.35. */
const OF_ITS_NODE = 'topology.kubernetes.io/'

/** Milliseconds. */
const LIST_TIMEOUT = 10_000

/** The label selector that finds a pod and its replicas; undefined: it has no labels to go by. */
export function replicaSelector({ metadata: { labels = {} } }: RawObject): string | undefined {
  const shared = Object.entries(labels).filter(([key]) => !OF_ONE_VERSION.has(key) && !key.startsWith(OF_ITS_NODE))
  return shared.length === 0 ? undefined : shared.map(([key, value]) => `${key}=${value}`).join(',')
}

/** Running and ready: it takes traffic. As in ingress-nginx. */
export function isServing({ status }: RawObject): boolean {
  const { phase, conditions } = fields(status)
  const ready = items(conditions).map(fields).some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True')
  return phase === 'Running' && ready
}

/** No other replica serves or is about to. Throws ApiError. */
export async function isOnlyReplica(transport: ApiTransport, pod: ObjectName): Promise<boolean> {
  const { namespace, name } = pod
  const selector = replicaSelector(asRawObject(await transport.json({ path: objectPath(POD, namespace, name) })))
  if (selector === undefined) return true
  const path = collectionPath(POD, namespace)
  const list = new PagedList({ transport, path, query: { labelSelector: selector }, keep: (raw) => raw })
  const { items: pods } = await list.fetch(AbortSignal.timeout(LIST_TIMEOUT))
  return !pods.some((each) => each.metadata.name !== name && isGoingToServe(each))
}

function isGoingToServe({ metadata, status }: RawObject): boolean {
  return metadata.deletionTimestamp === undefined && !['Succeeded', 'Failed'].includes(text(fields(status)['phase']))
}
