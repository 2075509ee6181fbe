/** What the admin API may see: read-only, asked at each request. No secret passes here. */
import type { GenerationView } from '../dataplane/generation.ts'
import type { Finding } from '../ir/origin.ts'
import type { InspectionViews } from './inspection.ts'
import type { StreamsView } from './stream-views.ts'

export interface AdminViews extends InspectionViews {
  /** Why traffic is not yet what the objects say, a sentence each; empty: ready. */
  notReady(): readonly string[]
  findings(): readonly Finding[]
  streams(): StreamsView
  /** Newest last. */
  generations(): readonly GenerationView[]
}
