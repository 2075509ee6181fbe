/** The files of a folder of manifests, and what they hold together. */
import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { KubeObject } from '../collection/objects.ts'
import { objectKey } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import { compareText } from '../util/canonical.ts'
import { fileFinding, parseManifest, printPlace, type LocatedObject, type Manifest, type ParsedFile } from './manifest.ts'

const EXTENSIONS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json'])
/** Above this a file is not read: parsing it would hold up everything else. */
export const MAX_FILE_BYTES: number = 16 * 1024 * 1024
const MAX_DEPTH = 16

export interface FoundFile {
  /** Path below the folder, with `/`. */
  readonly file: string
  readonly path: string
  readonly stats: Stats
}

export interface Listing {
  readonly files: readonly FoundFile[]
  /** What is there but cannot be looked at. */
  readonly findings: readonly Finding[]
}

/**
 * All manifest files below `dir`, in order of their names. Symbolic links are followed; names with a dot in
 * front are not (editors' temporary files, `.git`, the `..data` of a mounted ConfigMap). Throws when `dir`
 * itself cannot be read.
 */
export async function listFiles(dir: string): Promise<Listing> {
  const files: FoundFile[] = []
  const findings: Finding[] = []
  const seen = new Set<string>()

  async function walk(below: string, depth: number): Promise<void> {
    for (const name of await readdir(join(dir, below))) {
      if (!name.startsWith('.')) await visit(below === '' ? name : `${below}/${name}`, depth)
    }
  }

  async function visit(file: string, depth: number): Promise<void> {
    try {
      const path = join(dir, file)
      const stats = await stat(path)
      if (stats.isFile() && EXTENSIONS.has(extname(file))) files.push({ file, path, stats })
      // A link can lead back to a folder above it.
      if (stats.isDirectory() && depth < MAX_DEPTH && isNew(seen, `${stats.dev}:${stats.ino}`)) await walk(file, depth + 1)
    } catch (error) {
      // Gone since the folder was listed, or a link to nothing.
      if (codeOf(error) !== 'ENOENT') findings.push(unreadable(file, error))
    }
  }

  await walk('', 0)
  files.sort((left, right) => compareText(left.file, right.file))
  return { files, findings }
}

function isNew(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

/** Undefined: the file went away since it was found. */
export async function readFound({ file, path, stats }: FoundFile): Promise<ParsedFile | undefined> {
  if (stats.size > MAX_FILE_BYTES) {
    const text = `${stats.size} bytes are more than the ${MAX_FILE_BYTES} that are read of one file`
    return { failure: fileFinding({ file }, 'error', 'ManifestTooLarge', text) }
  }
  try {
    return parseManifest(file, await readFile(path, 'utf8'))
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : { failure: unreadable(file, error) }
  }
}

function unreadable(file: string, error: unknown): Finding {
  return fileFinding({ file }, 'error', 'ManifestUnreadable', `cannot be read (${codeOf(error)})`)
}

/** Code of a system error; anything else is a bug and thrown on. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}

export interface Merged {
  /** By kind and name; see `keyOf`. */
  readonly objects: ReadonlyMap<string, LocatedObject>
  readonly findings: readonly Finding[]
}

/** Identity of an object; no part can hold a `/`. */
export function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${objectKey(metadata)}`
}

/** Of one object in several places the first is taken. */
export function merge(manifests: readonly Manifest[]): Merged {
  const objects = new Map<string, LocatedObject>()
  const findings = manifests.flatMap((manifest) => manifest.findings)
  for (const located of manifests.flatMap((manifest) => manifest.objects)) {
    const key = keyOf(located.object)
    const first = objects.get(key)
    if (first === undefined) objects.set(key, located)
    else findings.push(duplicate(located, first))
  }
  return { objects, findings }
}

function duplicate(located: LocatedObject, first: LocatedObject): Finding {
  const { kind, metadata } = located.object
  return {
    origin: { kind, namespace: metadata.namespace, name: metadata.name, field: '' },
    severity: 'error',
    reason: 'DuplicateObject',
    message: `${printPlace(located)}: ignored, the same object is in ${printPlace(first)}`,
  }
}

export interface Manifests {
  readonly objects: readonly KubeObject[]
  readonly findings: readonly Finding[]
}

/** Reads a folder once. Throws when it cannot be read; what is wrong inside it is a finding. */
export async function readManifests(dir: string): Promise<Manifests> {
  const { files, findings } = await listFiles(dir)
  const parsed: ParsedFile[] = []
  for (const found of files) parsed.push((await readFound(found)) ?? { manifest: { objects: [], findings: [] } })
  const merged = merge(parsed.flatMap((it) => ('manifest' in it ? [it.manifest] : [])))
  const failures = parsed.flatMap((it) => ('failure' in it ? [it.failure] : []))
  return {
    objects: [...merged.objects.values()].map(({ object }) => object),
    findings: [...findings, ...failures, ...merged.findings],
  }
}
