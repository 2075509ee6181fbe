import type { Json } from '../ir/types.ts'
import { changesBeside, changesSchema, headersField, mergeHeaders, readHeaders } from './common/headers.ts'
import type { Policy } from './common/policy.ts'
import { STANDARD_HEADERS } from './common/standard-headers.ts'

/** Headers of requests, on their way to the backend. */
export const requestHeaders = {
  name: 'request_headers',
  fields: {},
  proxy: {
    name: 'requestHeaders',
    schema: headersField('Changes of the headers of requests, on their way to the backend.'),
    read: (value: Json) => readHeaders(value, 'request'),
  },
  merge: mergeHeaders,
  ownHeaders: (value) => STANDARD_HEADERS.filter((name) => name in value),
  runtime: { schema: changesSchema(), effect: (value, { settings }) => changesBeside(value, settings.proxySetHeaders) },
} satisfies Policy
