/** The patches of a kustomization: JSON patches (RFC 6902), and `$patch: delete`. Pure. */

import type { KubernetesObject } from './client.ts'

/** An entry of `patches` with its content read. */
export interface Patch {
  readonly target?: { readonly kind?: string, readonly name?: string }
  readonly allowKindChange: boolean
  readonly allowNameChange: boolean
  readonly content: unknown
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

type Container = Record<string, unknown> | unknown[]

/** The objects after the patch. Throws when it is of a form that is not known here, or does not fit. */
export function applyPatch(objects: readonly KubernetesObject[], patch: Patch): KubernetesObject[] {
  const { content } = patch
  if (Array.isArray(content)) return patchTarget(objects, patch, content as Operation[])
  const { $patch, ...rest } = content as KubernetesObject & { $patch?: string }
  if ($patch !== 'delete') throw new Error('the lab understands JSON patches and $patch: delete only')
  return withoutOne(objects, rest)
}

function patchTarget(
  objects: readonly KubernetesObject[], { target, allowKindChange, allowNameChange }: Patch, operations: Operation[],
): KubernetesObject[] {
  // kustomize puts the old ones back.
  const changes = (field: string): boolean => operations.some(({ path }) => path === field)
  if (!allowKindChange && changes('/kind')) throw new Error('a kind needs allowKindChange')
  if (!allowNameChange && changes('/metadata/name')) throw new Error('a name needs allowNameChange')
  const matches = objects.filter(({ kind, metadata }) =>
    kind === target?.kind && (target?.name === undefined || metadata?.name === target.name))
  // kustomize would do nothing, and nobody would notice.
  if (matches.length !== 1) throw new Error(`${matches.length} objects are the target ${JSON.stringify(target)}`)
  return objects.map((object) => matches.includes(object) ? patched(object, operations) : object)
}

function withoutOne(objects: readonly KubernetesObject[], { kind, metadata }: KubernetesObject): KubernetesObject[] {
  const left = objects.filter((object) => !(object.kind === kind && object.metadata?.name === metadata?.name &&
    object.metadata?.namespace === metadata?.namespace))
  if (left.length !== objects.length - 1) throw new Error(`no ${kind} ${metadata?.name} to delete`)
  return left
}

function patched(object: KubernetesObject, operations: readonly Operation[]): KubernetesObject {
  const result = structuredClone(object)
  for (const operation of operations) apply(result as Container, operation)
  return result
}

function apply(root: Container, operation: Operation): void {
  const { op, path, value } = operation
  const keys = path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop() ?? ''
  const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root)
  if (typeof parent !== 'object' || parent === null) throw new Error(`${path}: there is no such place`)
  const isThere = last in parent
  if (op !== 'add' && !isThere) throw new Error(`${path}: there is nothing to ${op}`)
  if (Array.isArray(parent)) applyToList(parent, last, operation)
  else applyToMap(parent as Record<string, unknown>, last, { op, path, value })
}

function applyToList(list: unknown[], key: string, { op, path, value }: Operation): void {
  const index = key === '-' ? list.length : Number(key)
  if (op === 'add') list.splice(index, 0, value)
  else if (op === 'remove') list.splice(index, 1)
  else if (op === 'replace') list[index] = value
  else requireEqual({ op, path, value }, list[index])
}

function applyToMap(map: Record<string, unknown>, key: string, { op, path, value }: Operation): void {
  if (op === 'add' || op === 'replace') map[key] = value
  else if (op === 'remove') delete map[key]
  else requireEqual({ op, path, value }, map[key])
}

/** The operation `test`. */
function requireEqual({ op, path, value }: Operation, found: unknown): void {
  if (op !== 'test') throw new Error(`the lab does not understand the operation ${op}`)
  if (JSON.stringify(found) !== JSON.stringify(value)) throw new Error(`${path} is ${JSON.stringify(found)}`)
}
