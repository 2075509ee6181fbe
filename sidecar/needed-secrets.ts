/** The Secrets that routes and flags refer to: only these are watched. */
import { objectName, type ObjectName } from './ir/object-name.ts'
import type { Pipeline } from './pipeline.ts'

export class NeededSecrets {
  readonly #pipeline: Pipeline
  readonly #byFlag: readonly string[]
  #names: ReadonlyMap<string, ObjectName> = new Map()
  #first: ReadonlySet<string> | undefined
  #changed = true

  /** `byFlag`: `namespace/name` of the default certificate, or empty. */
  constructor(pipeline: Pipeline, byFlag: string) {
    this.#pipeline = pipeline
    this.#byFlag = byFlag === '' ? [] : [byFlag]
    pipeline.secretRefs.onChange(() => (this.#changed = true))
  }

  /**
   * Whether some were never looked up; one that does not exist is not missing. Only those of the beginning count, so
   * that nobody who goes on naming new ones holds up the start.
   */
  areMissing(): boolean {
    const { objects } = this.#pipeline
    const first = [...this.#names].filter(([key]) => this.#first?.has(key) === true)
    return first.some(([, { namespace, name }]) => !objects.isListed('Secret', namespace, name))
  }

  /** All that are needed now, when that changed since the last call; the others are forgotten. */
  update(): readonly ObjectName[] | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    const { secretRefs, objects } = this.#pipeline
    const keys = new Set([...secretRefs.keys(), ...this.#byFlag])
    for (const [key, { namespace, name }] of this.#names) {
      if (!keys.has(key)) objects.forget('Secret', namespace, name)
    }
    this.#names = new Map([...keys].map((key) => [key, objectName(key)]))
    this.#first ??= keys
    return [...this.#names.values()]
  }
}
