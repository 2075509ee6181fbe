import type { Finding, Origin } from '../ir/origin.ts'

/** At most `max` items of a list; what is left out is one finding, so that the rest is served in good time. */
export function capped<T>(list: readonly T[], max: number, origin: Origin, findings: Finding[]): readonly T[] {
  if (list.length <= max) return list
  const message = `${origin.field} has ${list.length} entries; those after the first ${max} are left out`
  findings.push({ origin, severity: 'error', reason: 'TooManyEntries', message })
  return list.slice(0, max)
}
