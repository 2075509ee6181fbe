import type { Policy } from './common/policy.ts'
import { reference } from './common/reference.ts'

/** Headers of answers, from a ConfigMap: translation makes them `response_headers` (source/custom-headers.ts). */
export const customHeaders = {
  name: 'custom_headers',
  protects: true,
  fields: {
    from: {
      annotation: 'custom-headers',
      parse: reference,
      names: 'ConfigMap',
      about: 'A ConfigMap with headers for answers: names, which `global-allowed-response-headers` has to list, and texts',
    },
  },
} satisfies Policy
