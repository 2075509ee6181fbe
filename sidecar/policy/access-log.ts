import { boolean } from '../ir/value.ts'
import { directive, keyword } from '../syntax/directive.ts'
import type { Policy } from './common/policy.ts'
import { flag, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

/**
 * Whether requests are in the access log. The location of a class has none; Lua tells the log of the server, which has
 * what is answered elsewhere: redirects and error pages.
 */
export const accessLog = {
  name: 'access_log',
  fields: {
    on: { annotation: 'enable-access-log', parse: boolean, about: '"false": the access log has no line for these requests' },
  },
  proxy: proxyField('accessLog', flag('on', 'Whether the access log has a line for each request; true when not set.')),
  directives: ({ on }, settings) => (isOff(on) && !settings.disableAccessLog ? [directive('access_log', keyword('off'))] : []),
  runtime: {
    schema: object({ off: { const: true } }),
    effect: ({ on }, { settings }) => (isOff(on) && !settings.disableAccessLog ? { off: true } : undefined),
  },
} satisfies Policy

function isOff(on: unknown): boolean {
  return on === false
}
