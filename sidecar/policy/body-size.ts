import { size } from '../ir/value.ts'
import { bytes, directive } from '../syntax/directive.ts'
import type { Policy } from './common/policy.ts'
import { byteSize, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

const LARGEST = 2 ** 40

/**
 * The largest request body. NGINX bounds chunked bodies by a directive that takes no variable, hence a
 * class; it does not check Content-Length again after the jump into the class, hence the runtime part.
 */
export const bodySize = {
  name: 'body_size',
  fields: {
    max: { annotation: 'proxy-body-size', parse: size(0, LARGEST), about: 'The largest request body; 0: no limit' },
  },
  proxy: proxyField('bodySize', byteSize('max', [0, LARGEST], 'The largest request body; 0: no limit.')),
  directives: (value, settings) =>
    value.max === settings.proxyBodySize ? [] : [directive('client_max_body_size', bytes(Number(value.max)))],
  runtime: {
    schema: object({ max: { type: 'integer', minimum: 0 } }),
    effect: (value, { settings }) => (value.max === settings.proxyBodySize ? undefined : { max: Number(value.max) }),
  },
} satisfies Policy
