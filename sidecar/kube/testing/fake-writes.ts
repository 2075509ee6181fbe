/** Writes to the fake API server: create, replace, and JSON merge patch with the preconditions of the real one. */
import type { FakeInput, FakeObject, FakeStore } from './fake-store.ts'

export interface Target {
  /** Path of the whole kind, without the namespace. */
  readonly collection: string
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

export interface WriteAnswer {
  readonly status: number
  readonly body: object
}

/** The answer of a POST to a collection: the new object, or 409. */
export function createObject(store: FakeStore, target: Target, body: unknown): WriteAnswer {
  const input = body as FakeInput
  const metadata = { ...input.metadata, namespace: target.namespace }
  if (store.get(target.collection, metadata) !== undefined) return refuse(409, 'AlreadyExists')
  return { status: 201, body: store.put(target.collection, { ...input, metadata }) }
}

/** The whole object; a `resourceVersion` in it must be that of the present one. */
export function replaceObject(store: FakeStore, target: Target, body: unknown): WriteAnswer {
  const object = store.get(target.collection, target)
  if (object === undefined) return refuse(404, 'NotFound')
  const input = body as FakeInput
  const { resourceVersion = object.metadata.resourceVersion } = input.metadata
  if (resourceVersion !== object.metadata.resourceVersion) return refuse(409, 'Conflict')
  return { status: 200, body: store.put(target.collection, input) }
}

/** A `resourceVersion` or `uid` in the patch must be that of the object; `/status` changes nothing else. */
export function applyPatch(store: FakeStore, target: Target, body: unknown): WriteAnswer {
  const object = store.get(target.collection, target)
  if (object === undefined) return refuse(404, 'NotFound')
  const patch = body as Partial<FakeObject>
  const { uid = object.metadata.uid, resourceVersion = object.metadata.resourceVersion } = patch.metadata ?? {}
  if (uid !== object.metadata.uid || resourceVersion !== object.metadata.resourceVersion) return refuse(409, 'Conflict')
  const change = target.subresource === 'status' ? { status: patch['status'] } : { ...patch, metadata: {} }
  return { status: 200, body: store.put(target.collection, merge(object, change) as FakeInput) }
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}
  const merged = new Map<string, unknown>(Object.entries(base))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, merge(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}

function refuse(code: number, reason: string): WriteAnswer {
  return { status: code, body: statusBody(code, reason) }
}

/** The body of a refusal, as the API server writes it. */
export function statusBody(code: number, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason }
}
