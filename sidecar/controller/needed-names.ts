/** The DNS names that backends stand for: only these are asked for. */
import type { Resolution } from '../ir/types.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'

export class NeededNames {
  readonly #pipeline: Pipeline
  #names: ReadonlySet<string> = new Set()
  #first: ReadonlySet<string> | undefined
  #changed = false

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
    pipeline.externalNames.onChange(() => (this.#changed = true))
  }

  /**
   * Whether there are some of which nothing is known yet, not even that nobody answers. Only those of the beginning
   * count: who brings a new one every second would hold up the start for ever.
   */
  areMissing(): boolean {
    const first = [...(this.#first ?? [])].filter((name) => this.#names.has(name))
    return first.some((name) => this.#pipeline.resolutions.get(name) === undefined)
  }

  /** False: nobody needs that name any more. */
  resolved(name: string, resolution: Resolution): boolean {
    if (!this.#names.has(name)) return false
    this.#pipeline.resolutions.set(name, resolution)
    return true
  }

  /** All that are needed now, when that changed since the last call; the others are forgotten. */
  update(): readonly string[] | undefined {
    const news = this.#changed ? this.#renew() : undefined
    this.#first ??= this.#names
    return news
  }

  #renew(): readonly string[] {
    this.#changed = false
    const { externalNames, resolutions } = this.#pipeline
    const needed = new Set(externalNames.keys())
    for (const name of this.#names) if (!needed.has(name)) resolutions.delete(name)
    this.#names = needed
    return [...needed]
  }
}
