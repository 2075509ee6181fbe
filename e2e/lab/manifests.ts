/** Objects from YAML: texts, files, and kustomizations of the simple kind. */

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import type { KubernetesObject } from './client.ts'
import { applyPatch, type Patch } from './kustomize-patches.ts'

interface PatchEntry {
  readonly path?: string
  readonly patch?: string
  readonly target?: NonNullable<Patch['target']>
  readonly options?: { readonly allowKindChange?: boolean, readonly allowNameChange?: boolean }
}

interface Kustomization {
  readonly kind?: string
  readonly namespace?: string
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly images?: readonly { readonly name: string, readonly newName?: string, readonly newTag?: string }[]
  readonly patches?: readonly PatchEntry[]
}

const KUSTOMIZATION_FIELDS = new Set([
  'apiVersion', 'kind', 'namespace', 'resources', 'components', 'images', 'patches',
])
const PATCH_FIELDS = new Set(['path', 'patch', 'target', 'options'])
const TARGET_FIELDS = new Set(['kind', 'name'])
const OPTION_FIELDS = new Set(['allowKindChange', 'allowNameChange'])

/** Kinds without a namespace that manifests of a controller hold. */
export const CLUSTER_KINDS = new Set([
  'Namespace', 'ClusterRole', 'ClusterRoleBinding', 'IngressClass', 'GatewayClass', 'CustomResourceDefinition',
  'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'PriorityClass', 'Node',
])

/** All objects of a YAML text, lists unfolded. Throws on a syntax error. */
export function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw error
    const object = document.toJS() as (KubernetesObject & { items?: KubernetesObject[] }) | null
    if (object === null) return []
    return object.kind === 'List' ? object.items ?? [] : [object]
  })
}

/**
 * The objects of a kustomization folder, as kustomize makes them from `resources`, `components`, `patches`,
 * `namespace`, `images`. Throws on any other field, because to leave one out silently would test other
 * manifests than users apply.
 */
export async function readKustomization(folder: string): Promise<KubernetesObject[]> {
  return await kustomize(folder, 'Kustomization', [])
}

/** `objects`: what a component changes and adds to. */
async function kustomize(
  folder: string, kind: 'Kustomization' | 'Component', objects: readonly KubernetesObject[],
): Promise<KubernetesObject[]> {
  const file = join(folder, 'kustomization.yaml')
  const kustomization = parseObjects(await readFile(file, 'utf8'))[0] as Kustomization
  requireKnown(file, kustomization, KUSTOMIZATION_FIELDS)
  if ((kustomization.kind ?? 'Kustomization') !== kind) throw new Error(`${file} is no ${kind}`)
  let result = [...objects]
  for (const path of kustomization.resources ?? []) result.push(...await readResource(join(folder, path)))
  for (const path of kustomization.components ?? []) result = await kustomize(join(folder, path), 'Component', result)
  for (const entry of kustomization.patches ?? []) result = applyPatch(result, await readPatch(folder, entry))
  transform(result, kustomization)
  return result
}

function transform(objects: readonly KubernetesObject[], { namespace, images = [] }: Kustomization): void {
  for (const object of objects) {
    if (namespace !== undefined) setNamespace(object, namespace)
    replaceImages(object, images)
  }
}

function requireKnown(file: string, value: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(value).filter((field) => !known.has(field))
  if (unknown.length > 0) throw new Error(`${file}: the lab does not understand ${unknown.join(', ')}`)
}

async function readPatch(folder: string, entry: PatchEntry): Promise<Patch> {
  const { path, patch, target, options = {} } = entry
  requireKnown(folder, entry, PATCH_FIELDS)
  requireKnown(folder, target ?? {}, TARGET_FIELDS)
  requireKnown(folder, options, OPTION_FIELDS)
  const text = path === undefined ? patch ?? '' : await readFile(join(folder, path), 'utf8')
  const { allowKindChange = false, allowNameChange = false } = options
  return { content: parse(text), allowKindChange, allowNameChange, ...target === undefined ? {} : { target } }
}

async function readResource(path: string): Promise<KubernetesObject[]> {
  if ((await stat(path)).isDirectory()) return await readKustomization(path)
  return parseObjects(await readFile(path, 'utf8'))
}

function setNamespace(object: KubernetesObject, namespace: string): void {
  const { subjects } = object as { subjects?: { kind: string, namespace?: string }[] }
  for (const subject of subjects ?? []) if (subject.kind === 'ServiceAccount') subject.namespace = namespace
  if (object.kind === 'Namespace') object.metadata = { ...object.metadata, name: namespace }
  else if (!CLUSTER_KINDS.has(object.kind ?? '')) object.metadata = { ...object.metadata, namespace }
}

/** Any `image` member anywhere in the object, as kustomize does. */
function replaceImages(value: unknown, images: NonNullable<Kustomization['images']>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key === 'image' && typeof member === 'string') {
      (value as Record<string, unknown>)[key] = replacedImage(member, images)
    } else replaceImages(member, images)
  }
}

function replacedImage(image: string, images: NonNullable<Kustomization['images']>): string {
  const [, name = image, tag = ''] = /^(.*?)(:[^/:@]*|@.*)?$/.exec(image) ?? []
  const rule = images.find((candidate) => candidate.name === name)
  if (rule === undefined) return image
  return (rule.newName ?? name) + (rule.newTag === undefined ? tag : `:${rule.newTag}`)
}

/** In an order that the apiserver accepts: what others need comes first. */
export function inApplyOrder(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const rank = (object: KubernetesObject): number => {
    const index = ['Namespace', 'CustomResourceDefinition', 'ServiceAccount', 'Secret', 'ConfigMap'].indexOf(object.kind ?? '')
    return index < 0 ? 5 : index
  }
  return [...objects].sort((a, b) => rank(a) - rank(b))
}

