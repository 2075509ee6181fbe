/** ConfigMaps that flags name and that do not exist: a name that is mistyped has no effect, and nobody would know. */
import type { Logger } from 'pino'
import type { ObjectStore } from '../collection/object-store.ts'
import { objectName } from '../ir/object-name.ts'
import type { Finding } from '../ir/origin.ts'
import type { Options } from '../options/options.ts'

/** Those of ports may come later, or never: the manifests name them, and most have no such ports. */
const OPTIONAL = ['tcp-services-configmap', 'udp-services-configmap'] as const
const NONE: readonly Finding[] = []

export class FlagConfigMaps {
  readonly #objects: ObjectStore
  readonly #options: Options
  readonly #log: Logger
  /** Flags whose ConfigMap was not there when we last looked. */
  readonly #missing = new Set<string>()
  readonly #finding: readonly Finding[]

  constructor(objects: ObjectStore, options: Options, log: Logger) {
    this.#objects = objects
    this.#options = options
    this.#log = log
    const origin = { kind: 'ConfigMap', apiVersion: 'v1', ...objectName(options.configmap), field: '' }
    const message = 'the ConfigMap that --configmap names does not exist: every setting has its default'
    this.#finding = [{ origin, severity: 'warning', reason: 'ConfigMapNotFound', message }]
  }

  /**
   * To be asked after everything has been listed. The log has a line when one of those of ports is not there, any more
   * or at all.
   */
  findings(): readonly Finding[] {
    for (const flag of OPTIONAL) {
      const wasMissing = this.#missing.delete(flag)
      if (!this.#isMissing(flag)) continue
      this.#missing.add(flag)
      if (wasMissing) continue
      this.#log.info({ flag, ...objectName(this.#options[flag]) }, 'the ConfigMap that the flag names does not exist: no ports')
    }
    return this.#isMissing('configmap') ? this.#finding : NONE
  }

  #isMissing(flag: 'configmap' | typeof OPTIONAL[number]): boolean {
    const key = this.#options[flag]
    return key !== '' && this.#objects.of('ConfigMap').get(key) === undefined
  }
}
