/** RFC 3339, in UTC and whole seconds. `seconds`: since 1970. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
