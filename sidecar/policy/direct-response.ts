import { textTemplate, MAX_TEXT } from '../ir/template.ts'
import type { Policy } from './common/policy.ts'
import { group, proxyField, textual, wholeNumber } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA } from './common/schema.ts'

const STATUSES = [200, 599] as const

const members = group(
  { description: 'The answer to every request of the rule; no backend is asked.', required: ['status'] },
  {
    status: wholeNumber('status', STATUSES, 'Status of the answer.'),
    body: textual('body', (text) => textTemplate(text, true), {
      description: 'Text of the answer, with variables of a list such as $host; without it, errors have their usual page.',
      maxLength: MAX_TEXT,
    }),
  },
)

/** An answer without a backend. Where a Service's `conf` says it, it is `return` with a text. */
export const directResponse = {
  name: 'direct_response',
  fields: {},
  merge: (_below, above) => above,
  proxy: proxyField('directResponse', members),
  runtime: {
    schema: object({ status: { type: 'integer', minimum: STATUSES[0], maximum: STATUSES[1] } }, { body: TEMPLATE_SCHEMA }),
    effect: ({ status = STATUSES[0], body = [] }) =>
      Array.isArray(body) && body.length > 0 ? { status, body } : { status },
  },
} satisfies Policy
