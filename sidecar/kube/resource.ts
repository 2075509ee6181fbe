/** The kinds that we read: where the API serves them, and what of an object is worth its memory. */
import type { Kind, KubeObject, ObjectMeta } from '../collection/objects.ts'
import { fields } from '../util/field.ts'
import { DecodeError } from './errors.ts'

export interface Resource {
  readonly kind: string
  readonly apiVersion: string
  /** The plural name in paths and RBAC rules. */
  readonly plural: string
  readonly namespaced: boolean
}

export interface WatchedResource extends Resource {
  readonly kind: Kind
  /** The fields that enter, beside metadata. Whatever is not named here is never read. */
  readonly fields: readonly string[]
  /** What of a field is read, where that is less than all of it. */
  readonly reduce?: Readonly<Record<string, (value: unknown) => unknown>>
  /** The cluster may not know the kind (yet): then there are no objects of it. */
  readonly optional?: true
}

export const INGRESS: WatchedResource = {
  kind: 'Ingress',
  apiVersion: 'networking.k8s.io/v1',
  plural: 'ingresses',
  namespaced: true,
  // The status goes to the StatusWriter only.
  fields: ['spec', 'status'],
}
export const INGRESS_CLASS: WatchedResource = {
  kind: 'IngressClass',
  apiVersion: 'networking.k8s.io/v1',
  plural: 'ingressclasses',
  namespaced: false,
  fields: ['spec'],
}
export const PROXY: WatchedResource = {
  kind: 'Proxy',
  apiVersion: 'resty-ingress.io/v1alpha1',
  plural: 'proxies',
  namespaced: true,
  // The status goes to the StatusWriter only.
  fields: ['spec', 'status'],
  optional: true,
}
export const SERVICE: WatchedResource = {
  kind: 'Service',
  apiVersion: 'v1',
  plural: 'services',
  namespaced: true,
  fields: ['spec'],
}
export const ENDPOINT_SLICE: WatchedResource = {
  kind: 'EndpointSlice',
  apiVersion: 'discovery.k8s.io/v1',
  plural: 'endpointslices',
  namespaced: true,
  fields: ['addressType', 'endpoints', 'ports'],
  reduce: { endpoints: reduceEndpoints },
}
export const CONFIG_MAP: WatchedResource = {
  kind: 'ConfigMap',
  apiVersion: 'v1',
  plural: 'configmaps',
  namespaced: true,
  fields: ['data'],
}
export const SECRET: WatchedResource = {
  kind: 'Secret',
  apiVersion: 'v1',
  plural: 'secrets',
  namespaced: true,
  fields: ['type', 'data'],
}
/** Only its labels: for the namespaces that a selector finds. */
export const NAMESPACE: WatchedResource = {
  kind: 'Namespace',
  apiVersion: 'v1',
  plural: 'namespaces',
  namespaced: false,
  fields: [],
}
export const NODE: Resource = { kind: 'Node', apiVersion: 'v1', plural: 'nodes', namespaced: false }
export const POD: Resource = { kind: 'Pod', apiVersion: 'v1', plural: 'pods', namespaced: true }
export const LEASE: Resource = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', plural: 'leases', namespaced: true }
export const EVENT: Resource = { kind: 'Event', apiVersion: 'v1', plural: 'events', namespaced: true }

/** Path of a collection; an empty namespace means all of them. */
export function collectionPath(resource: Resource, namespace = ''): string {
  const root = resource.apiVersion === 'v1' ? '/api/v1' : `/apis/${resource.apiVersion}`
  const scope = resource.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${resource.plural}`
}

/** Path of one object in the API; `namespace` is '' for kinds without one. */
export function objectPath(resource: Resource, namespace: string, name: string): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`
}

/** An object as the API server sends it: only its identity has been checked. */
export interface RawObject {
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** Throws DecodeError when it is no object with a name. Fills in the namespace '' of cluster-wide kinds. */
export function asRawObject(value: unknown): RawObject {
  const { metadata } = (typeof value === 'object' && value !== null ? value : {}) as { metadata?: unknown }
  const meta = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Partial<ObjectMeta>
  if (typeof meta.name !== 'string') throw new DecodeError('an object without a name')
  const namespace = typeof meta.namespace === 'string' ? meta.namespace : ''
  return { ...(value as object), metadata: { ...meta, name: meta.name, namespace } }
}

const META_FIELDS = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'labels',
] as const

/** kubectl's copy of the whole object: as large as the object, and in a Secret as secret. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * The part of an object that we keep. Items of a list carry neither kind nor apiVersion: they come from
 * the resource.
 */
export function trim(resource: WatchedResource, raw: RawObject): KubeObject {
  const { apiVersion, kind, reduce } = resource
  const kept = resource.fields.filter((name) => name in raw)
    .map((name) => [name, reduce?.[name] === undefined ? raw[name] : reduce[name](raw[name])])
  return { apiVersion, kind, metadata: trimMeta(raw.metadata), ...Object.fromEntries(kept) }
}

function trimMeta(meta: ObjectMeta): ObjectMeta {
  const kept = META_FIELDS.filter((name) => meta[name] !== undefined).map((name) => [name, meta[name]])
  const trimmed = { name: meta.name, namespace: meta.namespace, ...Object.fromEntries(kept) } as ObjectMeta
  if (meta.annotations === undefined) return trimmed
  const { [LAST_APPLIED]: _, ...annotations } = meta.annotations
  return Object.keys(annotations).length === 0 ? trimmed : { ...trimmed, annotations }
}

/**
 * There are more endpoints than anything else, and names of pods, nodes and zones are half of what they hold. Of
 * conditions only those that say more than their absence does.
 */
function reduceEndpoints(value: unknown): unknown {
  return Array.isArray(value) ? value.map(reduceEndpoint) : value
}

function reduceEndpoint(value: unknown): unknown {
  const { addresses, conditions, hints, targetRef } = fields(value)
  const { ready, serving } = fields(conditions)
  const { uid } = fields(targetRef)
  return {
    addresses,
    ...(ready === false || serving === false ? { conditions: { ready, serving } } : {}),
    ...(hints === undefined ? {} : { hints }),
    ...(uid === undefined ? {} : { targetRef: { uid } }),
  }
}
