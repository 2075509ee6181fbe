/** The two sides of the data plane as the controller sees it: what is wanted, and what came of it. */
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import type { NginxInput } from '../nginx/input.ts'
import type { RenderedConfig } from '../nginx/render.ts'
import type { LocationClass } from '../policy/set/effects.ts'
import type { LoadedResult } from './client.ts'

/** What the translation wants; read at the moment of use, so the newest always wins. */
export interface Desired {
  readonly records: ReadonlyMap<RecordKey, DataRecord>
  /** Keys that changed; the data plane takes them out. */
  readonly changed: Set<RecordKey>
  classes(): readonly LocationClass[]
  /** The content of a file that a class names, by its digest; undefined where only older records name it. */
  file(digest: string): string | undefined
  /** Everything of the configuration but the classes and the capabilities. */
  config(): Pick<NginxInput, 'settings' | 'listeners' | 'counting' | 'layer4'>
}

export interface DataPlaneEvents {
  /** Records or configuration were applied. */
  applied(): void
  /** A record was refused by OpenResty. */
  rejected(key: RecordKey, reason: string): void
  /** NGINX refused a configuration. */
  refused(): void
  /** OpenResty has no room for the newest records: see `DataPlane.outOfRoom`. */
  outOfRoom(): void
  /** A configuration was refused, or OpenResty cannot be reached. */
  trouble(message: string, details: Readonly<Record<string, unknown>>): void
  /** A configuration was loaded; `previous` ran before, undefined when that is not known. */
  reloaded(result: LoadedResult, config: RenderedConfig, previous: RenderedConfig | undefined): void
  pushed(records: number, milliseconds: number): void
}
