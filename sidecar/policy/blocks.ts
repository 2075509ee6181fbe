import { regularExpression } from '../ir/regex.ts'
import type { HeaderPattern, Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import type { Parsed, Parser } from '../ir/value.ts'
import { defined } from '../util/field.ts'
import { RANGES } from './access.ts'
import type { Policy } from './common/policy.ts'
import { object, type Schema } from './common/schema.ts'

const MAX_PATTERNS = 100
const MAX_PATTERN = 512
const MAX_LIST = 16_384

const FORM = 'texts of at most 512 printable ASCII characters, separated by commas: '
  + 'a whole value in any case, or a regular expression after "~", after "~*" in any case'

/** Items as in a `map` of NGINX, which is what ingress-nginx makes of them. Quotes around one mean nothing. */
function headerPattern(item: string): Parsed<HeaderPattern> {
  const text = /^(".*"|'.*')$/.test(item) ? item.slice(1, -1) : item
  if (!/^[ -~]+$/.test(text) || text.length > MAX_PATTERN) return { allowed: FORM }
  if (!text.startsWith('~')) return { value: { text: text.toLowerCase() } }
  const caseless = text.startsWith('~*')
  const parsed = regularExpression(text.slice(caseless ? 2 : 1))
  if ('allowed' in parsed) return parsed
  return { value: { pattern: parsed.value, ...(caseless ? { caseless } : {}) } }
}

/** Values of a header, for a key of the ConfigMap. */
export const headerPatterns: Parser<readonly HeaderPattern[]> = (text) => {
  if (text.length > MAX_LIST) return { allowed: FORM }
  const items = text.split(',').map((item) => item.trim()).filter((item) => item !== '')
  if (items.length === 0 || items.length > MAX_PATTERNS) return { allowed: `1 to ${MAX_PATTERNS} ${FORM}` }
  const parsed = items.map(headerPattern)
  return parsed.find((one) => 'allowed' in one) ?? { value: parsed.flatMap((one) => ('value' in one ? [one.value] : [])) }
}

function unlessEmpty<T extends Json>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items
}

/** What holds for all routes; undefined: nobody is kept out. */
export function globalBlocks({ blockCidrs, blockUserAgents, blockReferers }: Settings): Json | undefined {
  const value = defined<Json>({
    addresses: unlessEmpty(blockCidrs),
    user_agents: unlessEmpty(blockUserAgents),
    referers: unlessEmpty(blockReferers),
  })
  return Object.keys(value).length === 0 ? undefined : value
}

const text: Schema = { type: 'string', minLength: 1, maxLength: MAX_PATTERN, pattern: '^[ -~]+$' }
const patterns: Schema = {
  type: 'array',
  items: { anyOf: [object({ text }), object({ pattern: text }, { caseless: { const: true } })] },
  minItems: 1,
  maxItems: MAX_PATTERNS,
}

/** Whom the administrator keeps out of all routes: said in the ConfigMap alone, and told by the global setting. */
export const blocks = {
  name: 'blocks',
  protects: true,
  fields: {},
  runtime: {
    schema: { ...object({}, { addresses: RANGES, user_agents: patterns, referers: patterns }), minProperties: 1 },
    effect: () => undefined,
  },
} satisfies Policy
