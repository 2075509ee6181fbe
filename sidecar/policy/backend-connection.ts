import { word } from '../ir/value.ts'
import { directive, keyword } from '../syntax/directive.ts'
import type { Policy } from './common/policy.ts'
import { choice, group, proxyField } from './common/proxy-field.ts'
import { object } from './common/schema.ts'

/**
 * How HTTP to backends is spoken. The version is a directive without variables, hence a class; the header is a variable
 * of the configuration, which Lua sets.
 */
export const backendConnection = {
  name: 'backend_connection',
  fields: {
    version: { annotation: 'proxy-http-version', parse: word('1.0', '1.1'), about: 'The version of HTTP that endpoints are spoken to with' },
    header: {
      annotation: 'connection-proxy-header',
      parse: word('close', 'keep-alive'),
      about: 'The header Connection for endpoints; WebSockets pass only without it',
    },
  },
  proxy: proxyField(
    'backendConnection',
    group('How HTTP is spoken to endpoints.', {
      version: choice({ '1.0': { version: '1.0' }, '1.1': { version: '1.1' } }, 'Version of HTTP.'),
      header: choice(
        { 'close': { header: 'close' }, 'keep-alive': { header: 'keep-alive' } },
        'The header Connection of requests; WebSockets pass only without it.',
      ),
    }),
  ),
  directives: ({ version }, settings) => {
    const wanted = version ?? settings.proxyHttpVersion
    if (wanted === settings.proxyHttpVersion) return []
    return [directive('proxy_http_version', keyword(wanted === '1.0' ? '1.0' : '1.1'))]
  },
  runtime: {
    schema: object({ header: { enum: ['close', 'keep-alive'] } }),
    effect: ({ header }) => (header === undefined ? undefined : { header }),
  },
} satisfies Policy
