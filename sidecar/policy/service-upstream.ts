import { boolean } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'
import { flag, proxyField } from './common/proxy-field.ts'

/** Whether requests go to the address of a Service: it only chooses the backend, see `source/service/upstream.ts`. */
export const serviceUpstream = {
  name: 'service_upstream',
  fields: {
    use: {
      annotation: 'service-upstream',
      parse: boolean,
      about: 'Requests go to the address of the Service (its ClusterIP), not to its endpoints',
    },
  },
  proxy: proxyField(
    'serviceUpstream',
    flag('use', 'Requests go to the address of the Service (its ClusterIP), not to its endpoints.'),
  ),
} satisfies Policy
