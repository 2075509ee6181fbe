/** Records as they may be shown. Their digests stay: they tell nothing of a key. */
import type { Json, PolicySet } from '../ir/types.ts'
import { POLICIES } from '../policy/registry.ts'
import type { DataRecord, HostRecord } from './records.ts'

const REDACTED = '[redacted]'
const SHOWN: ReadonlySet<string> = new Set(POLICIES.filter((policy) => policy.secret !== true).map(({ name }) => name))

/** Without private keys, users and their hashes, and the values of policies that hold what only OpenResty may know. */
export function withoutSecrets(record: DataRecord): DataRecord {
  if ('chain' in record) return { ...record, key: REDACTED }
  if ('users' in record) return { digest: record.digest, users: REDACTED }
  if (!('routes' in record)) return record
  const host = record as HostRecord
  return { ...host, routes: host.routes.map((route) => ({ ...route, policies: shownPolicies(route.policies) })) }
}

/** A policy that nobody registered is not shown either. */
export function shownPolicies(policies: PolicySet): PolicySet {
  const shown = (name: string, value: Json): Json => (SHOWN.has(name) ? value : REDACTED)
  return Object.fromEntries(Object.entries(policies).map(([name, value]) => [name, shown(name, value)]))
}
