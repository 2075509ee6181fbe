import { word, type Parser } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'
import { choice, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

const any: Parser<boolean> = (text) => {
  const parsed = word('any', 'all')(text)
  return 'value' in parsed ? { value: parsed.value === 'any' } : parsed
}

/** How the protections by address and by login go together. */
export const satisfy = {
  name: 'satisfy',
  protects: true,
  fields: {
    any: {
      annotation: 'satisfy',
      parse: any,
      about: 'any: a client that the lists of addresses let in needs no login, and one with a login may come from everywhere; all, when not set: both are needed',
    },
  },
  proxy: proxyField(
    'satisfy',
    choice(
      { Any: { any: true }, All: { any: false } },
      'All, when not set: a client needs to be let in by access and by its login. Any: one of them is enough.',
    ),
  ),
  runtime: {
    schema: object({ any: { const: true } }),
    effect: (value) => (value.any === true ? { any: true } : undefined),
  },
} satisfies Policy
