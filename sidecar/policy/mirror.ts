import { backendName } from '../ir/backend-name.ts'
import { destinationOf, destinationUrl, hostHeader, ROUTE_HOST, type DestinationUrl } from '../ir/destination-url.ts'
import { isDnsName } from '../ir/names.ts'
import type { BackendRef, Json } from '../ir/types.ts'
import type { Parser } from '../ir/value.ts'
import { directive, keyword, onOff, type Directive } from '../syntax/directive.ts'
import type { Combined, Policy, PolicyValue, RouteContext } from './common/policy.ts'
import { flag, group, proxyField, textual } from './common/proxy-field.ts'
import { object, TEMPLATE_SCHEMA, type Schema } from './common/schema.ts'

const LONGEST_URL = 2048
const LONGEST_HOST = 259
/** `http(s)://host` right before a variable: the path that it stands for has its slash. */
const JOINED = /^(https?:\/\/[^/?#$\s]{1,270})(?=\$\{?(?:request_uri|uri))/

/** A URL whose host is written out: where copies go is not for clients to say. */
const target: Parser<DestinationUrl> = (text) => {
  const parsed = destinationUrl(text.length > LONGEST_URL ? text : text.replace(JOINED, '$1/'))
  if ('allowed' in parsed || parsed.value.host !== ROUTE_HOST) return parsed
  return { allowed: 'an URL whose host is a DNS name or an IP address' }
}

const host: Parser<string> = (text) => {
  const [name = '', port, ...rest] = text.length > LONGEST_HOST ? [] : text.toLowerCase().split(':')
  const isPort = port === undefined || (/^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535)
  return isDnsName(name) && isPort && rest.length === 0 ? { value: text.toLowerCase() } : { allowed: 'a DNS name, with a port or without' }
}

const body: Parser<boolean> = (text) =>
  text === 'on' || text === 'off' ? { value: text === 'on' } : { allowed: '"on" or "off"' }

function combine(value: PolicyValue): Combined {
  if (value.target !== undefined) return { value, problems: [] }
  const problems = Object.keys(value).map((field) => ({ field, message: 'it has no effect without mirror-target' }))
  return { value: {}, problems }
}

function directives({ target: url, body: withBody }: PolicyValue): readonly Directive[] {
  if (url === undefined) return []
  const copies = withBody !== false
  const location = keyword(copies ? '//mirror' : '//mirror_without_body')
  return [directive('mirror', location), ...(copies ? [] : [directive('mirror_request_body', onOff(false))])]
}

function effect(value: PolicyValue, { namespace, host: routeHost }: RouteContext): Json | undefined {
  const url = value.target as DestinationUrl | undefined
  const ref = url === undefined ? undefined : destinationOf(url, namespace, routeHost)
  if (url === undefined || ref === undefined) return undefined
  return {
    backend: `backend/${backendName(ref)}`,
    host: value.host ?? hostHeader(url, ref.service),
    target: url.target,
    ...(url.tls ? { tls: true, name: ref.service } : {}),
  }
}

function backends(value: PolicyValue, routeHost: string, namespace: string): readonly BackendRef[] {
  const url = value.target as DestinationUrl | undefined
  const ref = url === undefined ? undefined : destinationOf(url, namespace, routeHost)
  return ref === undefined ? [] : [ref]
}

const HOST: Schema = { type: 'string', pattern: '^[a-z0-9.:[\\]-]{1,262}$' }

const schema = object(
  { backend: { type: 'string', pattern: '^backend/.+@name$' }, host: HOST, target: TEMPLATE_SCHEMA },
  { tls: { const: true }, name: HOST },
)

const members = group(
  { description: 'A copy of each request goes to another server, whose answers nobody sees.', required: ['url'] },
  {
    url: textual('target', target, {
      minLength: 8, maxLength: LONGEST_URL,
      description: 'An URL http(s)://host[:port][/path]. $request_uri, $uri and $args may stand after the host.',
    }),
    host: textual('host', host, {
      minLength: 1, maxLength: LONGEST_HOST, pattern: '^[A-Za-z0-9.-]+(:[0-9]{1,5})?$',
      description: 'The Host header of the copies; that of the URL when not set.',
    }),
    requestBody: flag('body', 'Copies have the body of the request, which is read as a whole before it is sent anywhere; true when not set.'),
  },
)

/** A copy of each request goes to another server. */
export const mirror = {
  name: 'mirror',
  fields: {
    target: { annotation: 'mirror-target', parse: target, about: 'A copy of each request goes to this URL, whose answers nobody sees. A slash too many before `$request_uri` is left out' },
    host: { annotation: 'mirror-host', parse: host, about: 'The Host header of the copies' },
    body: { annotation: 'mirror-request-body', parse: body, about: '"off": the copies have no body' },
  },
  combine,
  proxy: proxyField('mirror', members),
  directives,
  backends,
  runtime: { schema, effect },
} satisfies Policy
