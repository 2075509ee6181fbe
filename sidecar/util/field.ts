/** Reading fields of objects that nobody validated: a wrong type reads as absent. */

export type Fields = Readonly<Record<string, unknown>>

/** The members of an object; none of anything else. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

/** The items of a list; none of anything else. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A text; '' for anything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The members of a map of texts; others are left out. */
export function texts(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}

/** The members that are there: JSON has no `undefined`. */
export function defined<T>(members: { readonly [name: string]: T | undefined }): { readonly [name: string]: T } {
  const entries = Object.entries(members).filter((entry): entry is [string, T] => entry[1] !== undefined)
  return Object.fromEntries(entries)
}
