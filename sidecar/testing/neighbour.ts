/** A neighbour that must not change, whatever strangers bring, and texts that strangers bring. */
import type { KubeObject } from '../collection/objects.ts'
import { translate, type Translation } from '../translate.ts'
import { GOLDEN_OPTIONS } from './inputs.ts'
import { fc } from './property.ts'

const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }
export const RUNS = { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) }

/** Text that loves whatever NGINX, Lua, JSON or a terminal could take for syntax. */
const hostile = fc.oneof(
  fc.constantFrom('"', "'", '\\', ';', '{', '}', '$', '#', '\n', '\r', '\0', '\u2028', ']]', '%s', '__proto__', '${x}'),
  fc.constantFrom('/\ud800', '\udfff'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('$remote_addr', '${arg_x}', '$1', 'cookie', 'chash', 'error timeout', 'http_502', '^a|b$', '/', '200-299'),
  fc.constantFrom('true', 'on', '8m', '10', '-1', '1e9', '99999999999999999999', '8m; load_module x', 'on\nevil', '８m'),
)
export const nasty = fc.array(hostile, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))

export function object(kind: KubeObject['kind'], namespace: string, name: string, rest: object): KubeObject {
  const { metadata, ...others } = rest as { metadata?: object }
  return { apiVersion: 'v1', kind, metadata: { namespace, name, ...metadata }, ...others }
}

export const CLASS = object('IngressClass', '', 'resty-ingress', { spec: { controller: GOLDEN_OPTIONS.controllerClass } })

export function service(namespace: string, name: string, annotations: Record<string, string> = {}): KubeObject {
  return object('Service', namespace, name, { metadata: { annotations }, spec: { ports: [{ port: 80 }] } })
}

export function slice(namespace: string, name: string, addresses: readonly unknown[]): KubeObject {
  return object('EndpointSlice', namespace, `${name}-1`, {
    metadata: { labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  })
}

export interface IngressParts {
  readonly created?: string
  readonly annotations?: Record<string, string>
  readonly host?: unknown
  readonly path?: unknown
  readonly pathType?: unknown
  readonly backend?: unknown
  readonly tls?: unknown
}

export function ingress(namespace: string, name: string, parts: IngressParts): KubeObject {
  const { created = '2026-01-01T00:00:00Z', annotations = {}, host = 'a.example.com', tls } = parts
  const { path = '/', pathType = 'Prefix', backend = { service: { name: 'web', port: { number: 80 } } } } = parts
  return object('Ingress', namespace, name, {
    metadata: { creationTimestamp: created, annotations },
    spec: { ingressClassName: 'resty-ingress', tls, rules: [{ host, http: { paths: [{ path, pathType, backend }] } }] },
  })
}

/** Everything at once, from scratch. */
export function translated(objects: readonly KubeObject[]): Translation {
  return translate({ objects, options: GOLDEN_OPTIONS, listeners: LISTENERS })
}

export const NEIGHBOUR = [
  CLASS,
  service('good', 'web'),
  slice('good', 'web', ['198.18.1.1']),
  ingress('good', 'neighbour', { host: 'good.example.com' }),
]
/** Without any stranger. */
export const CLEAN = translated(NEIGHBOUR)

/** Everything that an object can bring into nginx.conf: whole classes, made of these lines only. */
const CLASS_LINE = [
  'access_log off',
  String.raw`client_(?:max_body_size|body_buffer_size) \d+`,
  String.raw`error_page(?: [45]\d\d)+ @custom_errors`,
  'proxy_intercept_errors on',
  'recursive_error_pages on',
  String.raw`proxy_(?:request_)?buffering (?:on|off)`,
  String.raw`proxy_next_upstream(?: (?:error|timeout|invalid_header|http_[45]\d\d|non_idempotent))+`,
  String.raw`proxy_(?:busy_buffers_size|buffer_size|buffers \d+|max_temp_file_size) \d+`,
  String.raw`proxy_http_version 1[.][01]`,
].join('|')
/** What the template adds to each of them. */
const FIXED = [
  String.raw`rewrite_by_lua_block \{ return resty_ingress\.rewrite_class\("\1"\) \}`,
  String.raw`log_by_lua_block \{ return resty_ingress\.log\("default"\) \}`,
  String.raw`body_filter_by_lua_block \{ return resty_ingress\.body_filter\(\) \}`,
  '# NGINX forgets those above where there are any here.',
  String.raw`proxy_set_header (?:Connection|Upgrade|Proxy|Host|X-[A-Za-z-]+|ssl-client-[a-z-]+) [$"a-z_]+;`,
].join('|')
const CLASS_BLOCK = new RegExp(
  String.raw` {8}location @(c[0-9a-f]{32}) \{\n(?: {12}(?:(?:${CLASS_LINE});|${FIXED})\n)+` +
    String.raw` {12}proxy_pass http://ingress_balancer;\n {8}\}\n`,
  'g',
)

/** In classes, and in error pages once there is such a class. */
const FILTER_LINE = new RegExp(
  String.raw` {12}(?:lua_transform_underscores_in_response_headers off;` +
    String.raw`|header_filter_by_lua_block \{ return resty_ingress\.header_filter\(\) \})\n`,
  'g',
)

/** Beside the classes, once there is one whose errors have pages of a default backend. */
const CUSTOM_ERRORS_LINE = [
  'recursive_error_pages on;',
  'proxy_method GET;',
  'proxy_pass_request_body off;',
  String.raw`proxy_set_header [A-Za-z-]+ (?:""|\$[a-z_]+);`,
  '# What is asked for is no version of what the client has, and no part\\.',
  String.raw`rewrite_by_lua_block \{ return resty_ingress\.custom_errors\(\) \}`,
  String.raw`log_by_lua_block \{ return resty_ingress\.log\("default"\) \}`,
  'proxy_pass http://ingress_balancer;',
].join('|')
const CUSTOM_ERRORS = new RegExp(
  String.raw` {8}# Errors of routes [^\n]*\n {8}# the pages below\.\n {8}location @custom_errors \{\n` +
    String.raw`(?: {12}(?:${CUSTOM_ERRORS_LINE})\n)+ {8}\}\n`,
)
/** Of statuses that have no name. */
const NAMELESS_PAGE = new RegExp(
  String.raw` {8}location @error_([45]\d\d) \{\n {12}log_by_lua_block \{ return resty_ingress\.log_page\("default"\) \}\n` +
    String.raw` {12}return \1 "\1\\n";\n {8}\}\n`,
  'g',
)
const PAGE_LINE = / {4}error_page ([45]\d\d) @error_\1;\n/g

/** Around the classes, once there is one without an access log. */
const UNLOGGED = / {4}map "" \$logged \{ default 1; \}\n|(?<=access_log access\.log upstreaminfo) if=\$logged/g

/** nginx.conf without what an object may bring. */
export function withoutClasses(config: string): string {
  const pages = [CUSTOM_ERRORS, NAMELESS_PAGE, PAGE_LINE]
  const constant = [FILTER_LINE, CLASS_BLOCK, ...pages, UNLOGGED, /"c[0-9a-f]{32}", /g, /\b[0-9a-f]{64}\b/g]
  return constant.reduce((text, part) => text.replace(part, ''), config)
}

