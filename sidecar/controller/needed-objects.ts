/** The Secrets or ConfigMaps that objects, settings and flags refer to: of these kinds only they are watched. */
import type { Collection, Index } from '../collection/graph.ts'
import type { ObjectStore } from '../collection/object-store.ts'
import { objectName, type ObjectName } from '../ir/object-name.ts'
import type { Fragment } from '../ir/types.ts'
import type { NamedKind } from '../policy/common/policy.ts'

export interface References {
  readonly kind: NamedKind
  readonly objects: ObjectStore
  /** By `namespace/name`. */
  readonly byObjects: Index<Fragment>
  /** `namespace/name` of what the settings name now. */
  readonly bySettings?: Collection<readonly string[]>
  /** `namespace/name` of what a flag names, if it does. */
  readonly byFlag?: string
  /** Watched in any case, by somebody else. */
  readonly others?: ReadonlySet<string>
}

export class NeededObjects {
  readonly #references: References
  #names: ReadonlyMap<string, ObjectName> = new Map()
  #first: ReadonlySet<string> | undefined
  #changed = true

  constructor(references: References) {
    this.#references = references
    const { byObjects, bySettings } = references
    byObjects.onChange(() => (this.#changed = true))
    bySettings?.subscribe(() => (this.#changed = true))
  }

  get kind(): NamedKind {
    return this.#references.kind
  }

  /**
   * Whether some were never looked up; one that does not exist is not missing. Only those of the beginning count, so
   * that nobody who goes on naming new ones holds up the start.
   */
  areMissing(): boolean {
    const { kind, objects } = this.#references
    const first = [...this.#names].filter(([key]) => this.#first?.has(key) === true)
    return first.some(([key]) => !objects.isListed(kind, key))
  }

  /** All that are needed now, when that changed since the last call; the others are forgotten. */
  update(): readonly ObjectName[] | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    const { kind, objects } = this.#references
    const keys = this.#keys()
    for (const [key, { namespace, name }] of this.#names) {
      if (!keys.has(key)) objects.forget(kind, namespace, name)
    }
    this.#names = new Map([...keys].map((key) => [key, objectName(key)]))
    this.#first ??= keys
    return [...this.#names.values()]
  }

  #keys(): ReadonlySet<string> {
    const { byObjects, bySettings, byFlag = '', others = new Set<string>() } = this.#references
    const named = [...byObjects.keys(), ...(bySettings?.get('') ?? []), ...(byFlag === '' ? [] : [byFlag])]
    return new Set(named.filter((key) => !others.has(key)))
  }
}
