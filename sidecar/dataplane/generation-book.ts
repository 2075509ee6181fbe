/**
 * The last configurations that NGINX loaded, each with its causes and its difference to the one before.
 * A cause is found by rendering: what alone, changed, gives other bytes.
 */
import { createTwoFilesPatch } from 'diff'
import type { Origin } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type { Capabilities, NginxInput } from '../nginx/input.ts'
import { renderConfig, type RenderedConfig } from '../nginx/render.ts'
import { classLines, type LocationClass } from '../policy/set/effects.ts'
import type { GenerationView, ReloadCause } from './generation.ts'
import { layer4Causes } from './layer4-causes.ts'

const KEPT_GENERATIONS = 20
/** Characters; the first difference of a large configuration says enough. */
const LONGEST_DIFF = 65_536
const CONTEXT_LINES = 2
/** A class may have thousands of users. */
const MOST_CAUSES = 20

/** What the causes are told by. */
export interface CauseSources {
  /** The objects that want a class, with the fields that call for its directives; at most `limit`. */
  classUsers(name: string, limit: number): readonly Origin[]
  /** Where a setting is written. */
  settingOrigin(name: keyof Settings): Origin
}

export interface Load {
  readonly generation: number
  readonly servingMs: number
  readonly durationMs: number
  /** False: OpenResty had it already. */
  readonly reloaded: boolean
  readonly loadedAt: Date
  readonly config: RenderedConfig
  /** What ran before; undefined: nothing that this process knows. */
  readonly previous: RenderedConfig | undefined
}

export class GenerationBook {
  readonly #sources: CauseSources
  readonly #kept: GenerationView[] = []
  readonly #counts = new Map<ReloadCause['kind'], number>()
  #loads = 0

  constructor(sources: CauseSources) {
    this.#sources = sources
  }

  /** The last ones, newest last. */
  all(): readonly GenerationView[] {
    return this.#kept
  }

  /** Configurations loaded since the start. */
  get loads(): number {
    return this.#loads
  }

  /** Loads since the start, by kind of cause; one with several kinds counts for each. */
  counts(): ReadonlyMap<ReloadCause['kind'], number> {
    return this.#counts
  }

  add({ generation, servingMs, durationMs, reloaded, loadedAt, config, previous }: Load): GenerationView {
    const causes = previous === undefined ? [START] : this.#causes(previous.input, config.input)
    const entry: GenerationView = {
      generation,
      hash: config.hash,
      loadedAt: loadedAt.toISOString(),
      servingMs,
      durationMs,
      reloaded,
      classes: config.classNames,
      causes,
      diff: previous === undefined ? '' : difference(previous, config),
    }
    for (const kind of new Set(causes.map((cause) => cause.kind))) {
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    }
    this.#loads += 1
    this.#kept.push(entry)
    if (this.#kept.length > KEPT_GENERATIONS) this.#kept.shift()
    return entry
  }

  #causes(before: NginxInput, after: NginxInput): ReloadCause[] {
    const settings = differing(before, after, 'settings').map((name): ReloadCause => {
      const origin = this.#sources.settingOrigin(name as keyof Settings)
      return { kind: 'setting', origin, message: `setting ${origin.field || name} changed` }
    })
    const capabilities = differing(before, after, 'capabilities').map((name): ReloadCause => ({
      kind: 'capability',
      message: `this NGINX differs in ${name}`,
    }))
    const layer4 = layer4Causes(before, after).slice(0, MOST_CAUSES)
    return [...settings, ...capabilities, ...layer4, ...this.#added(before, after), ...removed(before, after)]
  }

  #added(before: NginxInput, after: NginxInput): ReloadCause[] {
    return missingIn(before.classes, after.classes).flatMap((it): ReloadCause[] => {
      const cause = { kind: 'class', class: it.name, directives: classLines(it) } as const
      const users = this.#sources.classUsers(it.name, MOST_CAUSES)
      if (users.length === 0) return [{ ...cause, message: `location class ${it.name} is new` }]
      return users.map((origin) => ({ ...cause, origin, message: `${describe(origin)} needs ${cause.directives.join(' ')}` }))
    })
  }
}

const START: ReloadCause = { kind: 'start', message: 'the first configuration since the sidecar or OpenResty started' }

function removed(before: NginxInput, after: NginxInput): ReloadCause[] {
  return missingIn(after.classes, before.classes).map((it) => ({
    kind: 'unused_class',
    class: it.name,
    directives: classLines(it),
    message: `location class ${it.name} is not used any more; that alone is no reason to reload`,
  }))
}

function missingIn(there: readonly LocationClass[], here: readonly LocationClass[]): LocationClass[] {
  const names = new Set(there.map(({ name }) => name))
  return here.filter(({ name }) => !names.has(name))
}

/** The members of a part of the input that alone give other bytes. */
function differing(before: NginxInput, after: NginxInput, part: 'settings' | 'capabilities'): string[] {
  const was: Settings | Capabilities = before[part]
  const { hash } = renderConfig(before)
  return Object.entries(after[part])
    .filter(([name, value]) => value !== was[name as keyof typeof was])
    .filter(([name, value]) => renderConfig({ ...before, [part]: { ...was, [name]: value } }).hash !== hash)
    .map(([name]) => name)
}

function describe({ kind, namespace, name, field }: Origin): string {
  return `${kind} ${namespace}/${name}${field === '' ? '' : `, ${field},`}`
}

function difference(previous: RenderedConfig, config: RenderedConfig): string {
  const names = [`nginx.conf ${previous.hash.slice(0, 12)}`, `nginx.conf ${config.hash.slice(0, 12)}`] as const
  const patch = createTwoFilesPatch(...names, previous.text, config.text, '', '', { context: CONTEXT_LINES })
  return patch.length <= LONGEST_DIFF ? patch : `${patch.slice(0, LONGEST_DIFF)}\n… cut\n`
}
