import { cidrs } from '../ir/address.ts'
import type { Settings } from '../ir/settings.ts'
import type { Json } from '../ir/types.ts'
import { defined } from '../util/field.ts'
import type { Combined, Policy, PolicyValue, Problem } from './common/policy.ts'
import { addressRanges, group, proxyField } from './common/proxy-field.ts'
import { object, type Schema } from './common/schema.ts'

/** Of one list. */
export const MAX_RANGES = 1000

/** A list of ranges as `parseCidr` prints them. */
export const RANGES: Schema = {
  type: 'array',
  items: { type: 'string', pattern: '^[0-9a-f.:]+(/[0-9]{1,3})?$' },
  minItems: 1,
  maxItems: MAX_RANGES,
}

/** Two names of one list: the older counts where the other is not set, as in ingress-nginx. */
function combine({ whitelist, ...value }: PolicyValue): Combined {
  const problems: Problem[] = []
  const allow = value.allow ?? whitelist
  if (value.allow !== undefined && whitelist !== undefined) {
    problems.push({ field: 'whitelist', message: 'it has no effect beside allowlist-source-range' })
  }
  return { value: allow === undefined ? value : { ...value, allow }, problems }
}

function unlessEmpty(ranges: readonly string[]): readonly string[] | undefined {
  return ranges.length === 0 ? undefined : ranges
}

/** What holds where an object has no list of its own; undefined: nobody is kept out. */
export function globalAccess(settings: Settings): Json | undefined {
  return effect({}, settings)
}

function effect(value: PolicyValue, { whitelistSourceRange, denylistSourceRange }: Settings): Json | undefined {
  const allow = value.allow ?? unlessEmpty(whitelistSourceRange)
  const deny = value.deny ?? unlessEmpty(denylistSourceRange)
  return allow === undefined && deny === undefined ? undefined : defined<Json>({ allow, deny })
}

const members = group('Which clients may come, told by their address; the others are answered with 403.', {
  allow: addressRanges('allow', MAX_RANGES, 'Only these clients; everybody when not set.'),
  deny: addressRanges('deny', MAX_RANGES, 'Never these clients, also where they are among those of allow.'),
})

/** Who may come, by address. */
export const access = {
  name: 'access',
  protects: true,
  fields: {
    allow: { annotation: 'allowlist-source-range', parse: cidrs(MAX_RANGES), about: 'Only these clients; others are answered with 403' },
    whitelist: { annotation: 'whitelist-source-range', parse: cidrs(MAX_RANGES), about: 'As `allowlist-source-range`' },
    deny: { annotation: 'denylist-source-range', parse: cidrs(MAX_RANGES), about: 'Never these clients (403), allowed or not' },
  },
  combine,
  proxy: proxyField('access', members),
  runtime: {
    schema: { ...object({}, { allow: RANGES, deny: RANGES }), minProperties: 1 },
    effect: (value, { settings }) => effect(value, settings),
  },
} satisfies Policy
