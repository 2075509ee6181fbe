import { createHash } from 'node:crypto'

/** JSON text with the members of every object sorted by name: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isPlainObject(member) ? sorted(member) : member))
}

/** First 16 hex digits of SHA-256: names a record's content; no secret can be read back from it. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, 16)
}

/**
 * First 32 hex digits of SHA-256: the name of something that authors choose. With as many, nobody finds another one of
 * the same name, hence none that a neighbour would get in place of his.
 */
export function hashName(text: string): string {
  return sha256(text).slice(0, 32)
}

/** Lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Total order of texts by code unit: the same on every machine, unlike `localeCompare`. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(object).sort(([left], [right]) => compareText(left, right))
  return Object.fromEntries(entries)
}
