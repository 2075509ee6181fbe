/**
 * Annotations that protect a route and have no policy of their own here yet. Ignoring one would open
 * what its author closed, so the routes of the object answer 503 instead.
 */
const PREFIXES = ['auth-', 'limit-', 'block-', 'proxy-ssl-'] as const

const NAMES: ReadonlySet<string> = new Set([
  'enable-global-auth',
  'enable-modsecurity',
  'enable-owasp-core-rules',
  'modsecurity-snippet',
  'satisfy',
])

/** True for the names without prefix whose absence would let requests through. */
export function isProtection(annotation: string): boolean {
  return NAMES.has(annotation) || PREFIXES.some((prefix) => annotation.startsWith(prefix))
}
