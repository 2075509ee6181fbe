/**
 * Values that fields take: those of the golden cases, of which each policy has one. So whatever is new is attacked
 * as soon as it has its golden case.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubeObject } from '../../collection/objects.ts'
import { merge } from '../../files/folder.ts'
import { parseManifest } from '../../files/manifest.ts'
import type { Json } from '../../ir/types.ts'
import type { PipelineOptions } from '../../pipeline/pipeline.ts'

const ROOT = join(import.meta.dirname, '../../testdata')

/** The flags of a golden case that differ from those of the others. */
export function optionsOf(name: string): Partial<PipelineOptions> {
  const path = join(ROOT, name, 'options.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<PipelineOptions>) : {}
}

/** Every nginx.conf that a golden case expects. */
export function goldenConfigs(): readonly string[] {
  return readdirSync(ROOT).flatMap((name) =>
    readdirSync(join(ROOT, name))
      .filter((file) => /^nginx.*\.conf$/.test(file))
      .map((file) => readFileSync(join(ROOT, name, file), 'utf8')))
}

/** Names of the golden cases. */
export const GOLDEN_CASES: readonly string[] = readdirSync(ROOT)

/** What a golden case brings. */
export function objectsOf(name: string): KubeObject[] {
  const parsed = parseManifest('input.yaml', readFileSync(join(ROOT, name, 'input.yaml'), 'utf8'))
  if (!('manifest' in parsed)) throw new Error(`input.yaml of ${name} cannot be read`)
  return [...merge([parsed.manifest]).objects.values()].map(({ object }) => object)
}

const OBJECTS: readonly KubeObject[] = GOLDEN_CASES.flatMap(objectsOf)

function textsOf(record: unknown): [string, string][] {
  const entries = typeof record === 'object' && record !== null ? Object.entries(record) : []
  return entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
}

function collected(entries: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const grouped = Map.groupBy(entries, ([name]) => name)
  return new Map([...grouped].map(([name, list]) => [name, [...new Set(list.map(([, text]) => text))]]))
}

const ANNOTATIONS = collected(OBJECTS.flatMap(({ metadata }) =>
  textsOf(metadata.annotations).map(([name, text]) => [name.replace(/^[^/]*[/]/, ''), text] as const)))
const SETTINGS = collected(OBJECTS.filter(({ kind }) => kind === 'ConfigMap').flatMap(({ data }) => textsOf(data)))

/** Of an annotation, by its name without prefix. */
export function examplesOf(annotation: string): readonly string[] {
  return ANNOTATIONS.get(annotation) ?? []
}

/** Of a key of the controller's ConfigMap. */
export function settingExamples(key: string): readonly string[] {
  return SETTINGS.get(key) ?? []
}

/** Specs of Proxies. */
export const PROXY_SPECS: readonly Json[] = OBJECTS.filter(({ kind }) => kind === 'Proxy').map(({ spec }) => spec as Json)
