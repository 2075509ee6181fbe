/**
 * The Kubernetes objects as they enter: from reflectors (kube/) or from a folder (files/).
 * Nothing about their content is trusted: the files mode has no API server in front of it.
 */
import type { ObjectName } from '../ir/object-name.ts'

export const KINDS = ['Ingress', 'IngressClass', 'Proxy', 'Service', 'EndpointSlice', 'Secret', 'ConfigMap', 'Namespace'] as const
export type Kind = (typeof KINDS)[number]

export interface ObjectMeta extends ObjectName {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** Where sources put what they see. Calls of one turn of the event loop form one change. */
export interface ObjectSink {
  /**
   * The complete list of a kind, or of the part that `scope` names (a namespace, or `namespace/name`):
   * what is not in it is gone. The first call says that the kind (or the part) has been listed.
   */
  replace(kind: Kind, objects: readonly KubeObject[], scope?: string): void
  set(object: KubeObject): void
  delete(kind: Kind, namespace: string, name: string): void
}
