/** The shape of the record of external authentication. */
import { METHODS, MAX_CACHE_SECONDS, MAX_RESPONSE_HEADERS } from './external-auth-grammar.ts'
import { changesSchema, NAME_SCHEMA } from './common/headers.ts'
import { object, TEMPLATE_SCHEMA, type Schema } from './common/schema.ts'

const HOST: Schema = { type: 'string', pattern: '^[a-z0-9.:[\\]-]{1,262}$' }

const RESPONSE_HEADERS: Schema = { type: 'array', items: NAME_SCHEMA, minItems: 1, maxItems: MAX_RESPONSE_HEADERS }

const cache = object({
  scope: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  key: TEMPLATE_SCHEMA,
  seconds: {
    type: 'object',
    propertyNames: { pattern: '^[1-5][0-9]{2}$' },
    additionalProperties: { type: 'integer', minimum: 1, maximum: MAX_CACHE_SECONDS },
  },
})

const question = object(
  { backend: { type: 'string', pattern: '^backend/.+@name$' }, host: HOST, target: TEMPLATE_SCHEMA },
  {
    tls: { const: true },
    name: HOST,
    method: { enum: METHODS },
    signin: TEMPLATE_SCHEMA,
    signin_param: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' },
    response_headers: RESPONSE_HEADERS,
    request_headers: changesSchema(),
    redirect: TEMPLATE_SCHEMA,
    cache,
    always_set_cookie: { const: true },
    connections: { type: 'string', pattern: '^auth_[0-9a-f]{32}$' },
  },
)

/** Nobody is asked; nobody has the headers of the answer either. */
const open = object({ open: { const: true } }, { response_headers: RESPONSE_HEADERS })

export const externalAuthSchema: Schema = { oneOf: [question, open] }
