import { createHash } from 'node:crypto'

/** JSON text with the members of every object sorted by name: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isPlainObject(member) ? sorted(member) : member))
}

/** First 16 hex digits of SHA-256: names a record's content; no secret can be read back from it. */
export function digestOf(value: unknown): string {
  return shortHash(canonicalJson(value))
}

/** First 16 hex digits of SHA-256. */
export function shortHash(text: string): string {
  return hexDigest(text, 8)
}

/**
 * First 32 hex digits of SHA-256: the name of something that authors choose. With as many, nobody finds another one of
 * the same name, hence none that a neighbour would get in place of his.
 */
export function hashName(text: string): string {
  return hexDigest(text, 16)
}

/** Lower-case hex. */
export function sha256(text: string): string {
  return hexDigest(text, 32)
}

/** Not a slice of the whole: that would keep the whole in memory. */
function hexDigest(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().toString('hex', 0, bytes)
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
