/** One start of NGINX with a configuration, and why there was one: as the admin API shows it. */
import type { Origin } from '../ir/origin.ts'

/** Why NGINX loaded a configuration. */
export interface ReloadCause {
  readonly kind: 'start' | 'setting' | 'capability' | 'class' | 'unused_class' | 'layer4'
  readonly message: string
  /** The object and field that asked for it. */
  readonly origin?: Origin
  /** The location class, and its directives. */
  readonly class?: string
  readonly directives?: readonly string[]
}

/** One loaded configuration of NGINX. */
export interface GenerationView {
  readonly generation: number
  readonly hash: string
  /** RFC 3339. */
  readonly loadedAt: string
  /** Milliseconds until all new workers served, and until no old one took new connections any more. */
  readonly servingMs: number
  readonly durationMs: number
  readonly reloaded: boolean
  readonly classes: readonly string[]
  readonly causes: readonly ReloadCause[]
  /** Unified, against the configuration before; empty where that is not known. */
  readonly diff: string
}
