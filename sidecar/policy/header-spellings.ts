import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import type { Policy } from './common/policy.ts'
import { object } from './common/schema.ts'
import { CERTIFICATE_HEADERS, ERROR_HEADERS, QUESTION_HEADERS, STANDARD_HEADERS } from './common/standard-headers.ts'

/** What tells how a message is framed: no other spelling is for a backend to find. */
const FRAMING = ['content-length', 'content-type', 'transfer-encoding'] as const

/**
 * The headers that are ours to say on all routes, where clients can spell them otherwise; undefined: NGINX drops names
 * with "_" by itself. Those that a route names Lua knows.
 */
export function globalHeaderSpellings(settings: Settings): Json | undefined {
  if (!settings.enableUnderscoresInHeaders) return undefined
  const { globalAuthResponseHeaders: ofAuth, proxySetHeaders, forwardedForHeader } = settings
  const ofSettings = [...ofAuth, ...proxySetHeaders.headers.map(({ name }) => name), forwardedForHeader]
  const ours = [...STANDARD_HEADERS, ...CERTIFICATE_HEADERS, ...ERROR_HEADERS, ...QUESTION_HEADERS, ...FRAMING]
  return { names: [...new Set([...ours, ...ofSettings.map((name) => name.toLowerCase())])].sort() }
}

/** Whose headers are not to be had by another spelling of their names: a matter of the global setting alone. */
export const headerSpellings = {
  name: 'header_spellings',
  protects: true,
  fields: {},
  runtime: {
    schema: object({ names: { type: 'array', items: { type: 'string', pattern: "^[a-z0-9!#$%&'*+.^_`|~-]+$" } } }),
    effect: () => undefined,
  },
} satisfies Policy
