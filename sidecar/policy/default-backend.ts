import { isDnsLabel } from '../ir/names.ts'
import type { Parser } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'
import { group, member, proxyField, textual } from './common/proxy-field.ts'
import type { Schema } from './common/schema.ts'

const LABEL = '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'

const label: Parser<string> = (text) =>
  isDnsLabel(text) ? { value: text } : { allowed: 'the name of a Service of the same namespace' }

const PORT: Schema = {
  description: 'Port of the Service, its number or its name; the first one when not set.',
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-int-or-string': true,
  minimum: 1,
  maximum: 65_535,
  maxLength: 15,
  pattern: LABEL,
}

const members = group(
  {
    description: 'A Service of the namespace of the Proxy that answers where no backend has an endpoint, and has the pages of errors.',
    required: ['service'],
  },
  {
    service: textual('service', label, { description: 'Name of the Service.', minLength: 1, maxLength: 63, pattern: LABEL }),
    port: member('port', PORT, (value) => ({ value: String(value) })),
  },
)

/** Who answers in place of the backends: it only names one, see `source/default-backend.ts`. */
export const defaultBackend = {
  name: 'default_backend',
  fields: {
    service: {
      annotation: 'default-backend',
      parse: label,
      about: 'A Service of the same namespace, at its first port, for requests whose own has no endpoint, and for `custom-http-errors`',
    },
  },
  // A port belongs to its Service.
  merge: (_below, above) => above,
  proxy: proxyField('defaultBackend', members),
} satisfies Policy
