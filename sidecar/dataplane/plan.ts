/** What is to be sent: desired records against what OpenResty has. Pure. */
import type { DataRecord, RecordKey } from '../dynamic/records.ts'

export interface Plan {
  readonly set: Readonly<Record<RecordKey, DataRecord>>
  readonly remove: readonly RecordKey[]
  /** Keys that must wait for a configuration with the class that they need. */
  readonly held: readonly RecordKey[]
}

export interface PlanInput {
  readonly desired: ReadonlyMap<RecordKey, DataRecord>
  /** Digest of each record that OpenResty has. */
  readonly actual: ReadonlyMap<RecordKey, string>
  /** Keys to look at. */
  readonly keys: Iterable<RecordKey>
  readonly isLoaded: (className: string) => boolean
  readonly classesOf: (record: DataRecord) => readonly string[]
}

/** Kinds of records that lead to others, and to which none leads. */
const REFERRERS = /^(host|stream|passthrough)\//

/**
 * Make before break: a record that needs a class which no worker has yet is held, and while one is, no
 * backend or certificate goes away, since the host's old record may still use it.
 */
export function plan(input: PlanInput): Plan {
  const set: Record<RecordKey, DataRecord> = {}
  const held: RecordKey[] = []
  const gone: RecordKey[] = []
  for (const key of input.keys) {
    const record = input.desired.get(key)
    if (record === undefined) {
      if (input.actual.has(key)) gone.push(key)
    } else if (record.digest !== input.actual.get(key)) {
      if (input.classesOf(record).every(input.isLoaded)) set[key] = record
      else held.push(key)
    }
  }
  const removable = gone.filter((key) => held.length === 0 || REFERRERS.test(key))
  return { set, remove: removable, held: [...held, ...gone.filter((key) => !removable.includes(key))] }
}

export type Changes = Pick<Plan, 'set' | 'remove'>

/**
 * The part of a push that can go alone when OpenResty has no room for the whole: hosts that go, which makes
 * room, and endpoints of backends that it has, since traffic goes by them. Undefined: that is all or nothing
 * of it.
 */
export function urgentPart({ set, remove }: Changes, actual: ReadonlyMap<RecordKey, string>): Changes | undefined {
  const backends = Object.entries(set).filter(([key]) => key.startsWith('backend/') && actual.has(key))
  const hosts = remove.filter((key) => key.startsWith('host/'))
  const count = backends.length + hosts.length
  if (count === 0 || count === Object.keys(set).length + remove.length) return undefined
  return { set: Object.fromEntries(backends), remove: hosts }
}
