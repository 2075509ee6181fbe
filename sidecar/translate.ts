/** `resty-ingress translate`: the pure core as a command; no cluster, no NGINX, no network. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KINDS, type KubeObject } from './collection/objects.ts'
import { hostKey, type DataRecord, type RecordKey } from './dynamic/records.ts'
import { withoutSecrets } from './dynamic/redaction.ts'
import type { RouteNotes } from './explain/explain.ts'
import type { Finding } from './ir/origin.ts'
import type { Resolution } from './ir/types.ts'
import type { Capabilities, Listeners } from './nginx/input.ts'
import { renderConfig } from './nginx/render.ts'
import { leftOut } from './pipeline/left-out.ts'
import { Pipeline, type PipelineOptions } from './pipeline/pipeline.ts'
import { compareText } from './util/canonical.ts'

/** What today's OpenResty can do: the configuration that `translate` writes is for it. */
export const CURRENT_CAPABILITIES: Capabilities = {
  http2_directive: true,
  keepalive_min_timeout: true,
  headers_more: true,
  ipv6: true,
  stream: true,
  stream_lua: true,
  // Not in the official images.
  stream_realip: false,
}

export interface Translation {
  readonly config: string
  /** Files that it names (`files/<digest>.pem`), by digest. */
  readonly files: Readonly<Record<string, string>>
  readonly records: Readonly<Record<string, DataRecord>>
  /** By key of a host's record: what `explain` says of its routes beside that. */
  readonly notes: Readonly<Record<RecordKey, readonly RouteNotes[]>>
  readonly findings: readonly Finding[]
  /** How many Ingresses and Proxies are left out, because their class or namespace is not ours. */
  readonly leftOut: number
}

export interface TranslationInput {
  readonly objects: readonly KubeObject[]
  readonly options: PipelineOptions
  readonly listeners: Listeners
  /** What DNS says, by name; nobody is asked here. */
  readonly resolutions?: Readonly<Record<string, Resolution>>
  readonly capabilities?: Capabilities
}

/** Everything at once, from scratch. Private keys are left out. */
export function translate(input: TranslationInput): Translation {
  const pipeline = new Pipeline(input.options)
  const byKind = Map.groupBy(input.objects, (object) => object.kind)
  for (const [name, resolution] of Object.entries(input.resolutions ?? {})) pipeline.resolutions.set(name, resolution)
  for (const kind of KINDS) pipeline.objects.replace(kind, byKind.get(kind) ?? [])
  pipeline.graph.flush()
  const hosts = pipeline.virtualHosts.all()
  const records = [...pipeline.records].sort(([left], [right]) => compareText(left, right))
  return {
    config: renderConfig({
      settings: pipeline.settings.settings,
      classes: pipeline.classes(),
      layer4: pipeline.layer4,
      listeners: input.listeners,
      capabilities: input.capabilities ?? CURRENT_CAPABILITIES,
    }).text,
    files: filesOf(pipeline),
    records: Object.fromEntries(records.map(([key, record]) => [key, withoutSecrets(record)])),
    notes: Object.fromEntries(hosts.map(({ host, routes }) => [hostKey(host), routes.map(notesOf)])),
    findings: pipeline.findings(),
    leftOut: leftOut(pipeline),
  }
}

function filesOf(pipeline: Pipeline): Record<string, string> {
  const digests = pipeline.classes().flatMap(({ authority }) => authority ?? [])
  return Object.fromEntries(digests.map((digest) => [digest, pipeline.authorityFile(digest) ?? '']))
}

function notesOf({ origin, policies, sources }: RouteNotes): RouteNotes {
  return { origin, policies, sources }
}

/** Writes nginx.conf, files, records.json, notes.json and findings.json. Rejects when the folder cannot be written. */
export async function writeTranslation(translation: Translation, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'nginx.conf'), translation.config)
  const files = Object.entries(translation.files)
  if (files.length > 0) await mkdir(join(directory, 'files'), { recursive: true })
  for (const [digest, content] of files) await writeFile(join(directory, 'files', `${digest}.pem`), content)
  await writeFile(join(directory, 'records.json'), `${JSON.stringify(translation.records, null, 2)}\n`)
  await writeFile(join(directory, 'notes.json'), `${JSON.stringify(translation.notes, null, 2)}\n`)
  await writeFile(join(directory, 'findings.json'), `${JSON.stringify(translation.findings, null, 2)}\n`)
}
