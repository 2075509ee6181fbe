import { seconds } from '../ir/value.ts'
import type { Policy } from './policy.ts'

const timeout = seconds(1, 86_400)

/** Limits of one try at a peer; the balancer sets them per request, so they need no reload. */
export const timeouts: Policy = {
  name: 'timeouts',
  fields: {
    connect: { annotation: 'proxy-connect-timeout', parse: timeout },
    read: { annotation: 'proxy-read-timeout', parse: timeout },
    send: { annotation: 'proxy-send-timeout', parse: timeout },
  },
  runtime: (value, settings) => ({
    connect: value.connect ?? settings.proxyConnectTimeout,
    read: value.read ?? settings.proxyReadTimeout,
    send: value.send ?? settings.proxySendTimeout,
  }),
}
