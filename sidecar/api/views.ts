/** What the admin API may see: read-only, asked at each request. No secret passes here. */
import type { Finding, Origin } from '../ir/origin.ts'
import type { InspectionViews } from './inspection.ts'
import type { StreamsView } from './stream-views.ts'

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

export interface AdminViews extends InspectionViews {
  /** Why traffic is not yet what the objects say, a sentence each; empty: ready. */
  notReady(): readonly string[]
  findings(): readonly Finding[]
  streams(): StreamsView
  /** Newest last. */
  generations(): readonly GenerationView[]
}
