import { boolean } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'

/** TLS of the host goes to the backend as it is. Nothing of a request: what it does is done to the host. */
export const sslPassthrough = {
  name: 'ssl_passthrough',
  fields: {
    enabled: {
      annotation: 'ssl-passthrough',
      parse: boolean,
      about: 'TLS of the host ends at the backend of its path `/` ([layer 4](tcp-udp.md)); needs `--enable-ssl-passthrough`',
    },
  },
} satisfies Policy
