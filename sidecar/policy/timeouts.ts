import { seconds } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'
import { duration, group, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

/** A year: long enough for whoever means "never". */
const LONGEST = 31_536_000
const SECONDS = { type: 'integer', minimum: 1, maximum: LONGEST }
const timeout = seconds(1, LONGEST)

/** Limits of one try at a peer; the balancer sets them per request, so they need no reload. */
export const timeouts = {
  name: 'timeouts',
  fields: {
    connect: {
      annotation: 'proxy-connect-timeout',
      parse: timeout,
      about: 'How long a connection to an endpoint may take',
    },
    read: { annotation: 'proxy-read-timeout', parse: timeout, about: 'How long an endpoint may be silent' },
    send: {
      annotation: 'proxy-send-timeout',
      parse: timeout,
      about: 'How long an endpoint may take nothing of a request',
    },
  },
  proxy: proxyField(
    'timeouts',
    group('Limits of each try at an endpoint.', {
      connect: duration('connect', [1, LONGEST], 'How long a connection to an endpoint may take.'),
      read: duration('read', [1, LONGEST], 'How long an endpoint may be silent.'),
      send: duration('send', [1, LONGEST], 'How long an endpoint may take nothing of a request.'),
    }),
  ),
  runtime: {
    schema: object({ connect: SECONDS, read: SECONDS, send: SECONDS }),
    effect: (value, { settings }) => ({
      connect: value.connect ?? settings.proxyConnectTimeout,
      read: value.read ?? settings.proxyReadTimeout,
      send: value.send ?? settings.proxySendTimeout,
    }),
  },
} satisfies Policy
