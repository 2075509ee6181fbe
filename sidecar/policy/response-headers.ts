import type { Json } from '../ir/types.ts'
import { changesBeside, changesSchema, headersField, mergeHeaders, NAME_SCHEMA, readHeaders } from './common/headers.ts'
import type { Policy } from './common/policy.ts'
import { object, type Schema } from './common/schema.ts'

const EXPIRES: Schema = {
  oneOf: [
    object({ epoch: { const: true } }),
    object({ max: { const: true } }),
    object({ seconds: { type: 'integer' } }, { modified: { const: true } }),
  ],
}

const CONDITIONS = {
  statuses: { type: 'array', items: { type: 'integer', minimum: 100, maximum: 999 }, minItems: 1, maxItems: 32 },
  types: { type: 'array', items: { type: 'string', pattern: '^[!-@[-~]+$', maxLength: 128 }, minItems: 1, maxItems: 32 },
}

/** Headers of answers, error pages too: what they say is changed by Lua, in a location class. */
export const responseHeaders = {
  name: 'response_headers',
  fields: {},
  proxy: {
    name: 'responseHeaders',
    schema: headersField('Changes of the headers of answers, those that this controller makes itself too.'),
    read: (value: Json) => readHeaders(value, 'response'),
  },
  merge: mergeHeaders,
  filters: (value) => Object.keys(value).length > 0,
  runtime: {
    schema: changesSchema(CONDITIONS, [object({ hide: NAME_SCHEMA }), object({ expires: EXPIRES })]),
    effect: (value, { settings }) => changesBeside(value, settings.addHeaders),
  },
} satisfies Policy
