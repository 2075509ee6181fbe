/** What the translation needs from outside, and what of it the first push waits for. */
import { objectKey, type ObjectName } from '../ir/object-name.ts'
import type { Resolution } from '../ir/types.ts'
import type { Options } from '../options/options.ts'
import { flagConfigMaps } from '../options/pipeline.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { NamedKind } from '../policy/common/policy.ts'
import { NeededNames } from './needed-names.ts'
import { NeededObjects } from './needed-objects.ts'

/** Each is called with the current whole. */
export interface NeedOutlets {
  /** Secrets or ConfigMaps that objects of ours, settings or flags refer to, without the ConfigMaps of flags. */
  referenced(kind: NamedKind, names: readonly ObjectName[]): void
  /** DNS names whose addresses are needed; the others are not any more. */
  names(names: readonly string[]): void
}

export class Needs {
  readonly #objects: readonly NeededObjects[]
  readonly #names: NeededNames
  readonly #outlets: NeedOutlets

  constructor(pipeline: Pipeline, options: Options, outlets: NeedOutlets) {
    const { objects, secretRefs, configMapRefs, settingConfigMaps } = pipeline
    const byFlags = new Set(flagConfigMaps(options).map(objectKey))
    this.#objects = [
      new NeededObjects({ kind: 'Secret', objects, byObjects: secretRefs, byFlag: options['default-ssl-certificate'] }),
      new NeededObjects({
        kind: 'ConfigMap', objects, byObjects: configMapRefs, bySettings: settingConfigMaps, others: byFlags,
      }),
    ]
    this.#names = new NeededNames(pipeline)
    this.#outlets = outlets
  }

  /** Some Secret or ConfigMap of the beginning has not been looked up yet. */
  areObjectsMissing(): boolean {
    return this.#objects.some((it) => it.areMissing())
  }

  /** Of some name of the beginning nothing is known yet. */
  areNamesMissing(): boolean {
    return this.#names.areMissing()
  }

  /** Takes what DNS says of a name. False: nobody needs that name any more. */
  resolved(name: string, resolution: Resolution): boolean {
    return this.#names.resolved(name, resolution)
  }

  /** Tells what is needed now, where that changed. */
  follow(): void {
    for (const objects of this.#objects) {
      const needed = objects.update()
      if (needed !== undefined) this.#outlets.referenced(objects.kind, needed)
    }
    const names = this.#names.update()
    if (names !== undefined) this.#outlets.names(names)
  }
}
