/** Something that the person at the keyboard has to put right; its message is the sentence they read. */
export class StandaloneError extends Error {}

/** Code of a system error, such as ENOENT; empty for everything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
