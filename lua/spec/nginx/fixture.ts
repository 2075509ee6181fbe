/**
 * A minimal nginx.conf of the shape that the sidecar renders (docs/control-api.md, "What the rendered
 * configuration calls"), for tests of the Lua alone.
 */
import { createHash } from 'node:crypto'

export interface FixtureOptions {
  readonly httpPort: number
  readonly httpsPort: number
  readonly workers?: number
  /** Class name -> its directives. */
  readonly classes?: Readonly<Record<string, string>>
  /** Class name -> words of its `proxy_next_upstream`. */
  readonly conditions?: Readonly<Record<string, string>>
  /** How long connections to backends are kept; 60 when absent. */
  readonly upstreamIdleSeconds?: number
  /** Names of variables that Lua sets for each request. */
  readonly variables?: readonly string[]
  /** More text inside `server`. */
  readonly extra?: string
  /** Text after the `http` block: the `stream` block. */
  readonly stream?: string
  /** Distinguishes configurations that are otherwise equal. */
  readonly salt?: string
  readonly minTimeout?: boolean
  /** Lua before all other: what is to be missing from this NGINX. */
  readonly prelude?: string
  /** How requests are counted, as Lua; absent: they are not. */
  readonly counting?: string
}

const ERRORS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  413: 'Content Too Large',
  421: 'Misdirected Request',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

const VARIABLES = [
  'proxy_upstream_name', 'namespace', 'ingress_name', 'service_name', 'service_port', 'location_path', 'new_id',
]

const proxy = (conditions = 'error timeout'): string => `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $upstream_host;
      proxy_connect_timeout 5s;
      proxy_send_timeout 60s;
      proxy_read_timeout 60s;
      proxy_next_upstream ${conditions};
      proxy_pass http://ingress_balancer;`

const LOG = 'log_by_lua_block { return resty_ingress.log("default") }'
const HEADER_FILTER = 'header_filter_by_lua_block { return resty_ingress.header_filter() }'
const LOG_PAGE = 'log_by_lua_block { return resty_ingress.log_page("default") }'
const LOG_REQUEST = 'log_by_lua_block { return resty_ingress.log_request("default") }'
const REQUEST_STATS = '"$request_length $bytes_sent '
  + '$upstream_connect_time;$upstream_header_time;$upstream_response_time;"'

function errorPages(): string {
  return Object.keys(ERRORS).map((code) => `error_page ${code} @error_${code};`).join(' ')
}

function errorLocations(): string {
  return Object.entries(ERRORS).map(([code, text]) => `
    location @error_${code} { ${code === '421' ? 'keepalive_timeout 0;' : ''} ${HEADER_FILTER} ${LOG_PAGE} return ${code} "${code} ${text}\\n"; }`).join('')
}

function classLocations({ classes = {}, conditions = {} }: FixtureOptions): string {
  return Object.entries(classes).map(([name, directives]) => `
    location @${name} {
      ${directives}
      rewrite_by_lua_block { return resty_ingress.rewrite_class("${name}") }
      ${HEADER_FILTER}
      ${LOG}${proxy(conditions[name])}
    }`).join('')
}

function luaList(names: readonly string[]): string {
  return `{${names.map((name) => `"${name}"`).join(', ')}}`
}

function initArguments(options: FixtureOptions, hash: string): string {
  return `"${hash}", ${luaList(Object.keys(options.classes ?? {}))}, ${luaList(options.variables ?? [])}, ${options.counting ?? 'nil'}`
}

function body(options: FixtureOptions, hash: string): string {
  return `include modules.conf;
include threads.conf;
worker_processes ${options.workers ?? 1};
worker_shutdown_timeout 240s;
error_log stderr notice;
error_log emerg.log emerg;
events { worker_connections 1024; multi_accept on; }
http {
  include runtime.conf;
  access_log off;
  server_tokens off;
  default_type text/plain;
  keepalive_requests 100000;
  ${options.minTimeout === true ? 'keepalive_min_timeout 60s;' : ''}
  init_by_lua_block { ${options.prelude ?? ''} require("ingress.phase.init")(${initArguments(options, hash)}) }
  init_worker_by_lua_block { resty_ingress.init_worker() }
  ${VARIABLES.map((name) => `map "" $${name} { default "-"; }`).join('\n  ')}
  map "" $proxy_alternative_upstream_name { default ""; }
  map "" $no_certificate { default ""; }
  map "" $upstream_host { default $http_host; }
  map $http_x_forwarded_for $forwarded_to_here { "" $remote_addr; default "$http_x_forwarded_for, $remote_addr"; }
  map "" $strict_transport_security { default ""; }
  map "" $rate_after { default 0; }
  limit_rate_after $rate_after;
  map "" $rewritten_from { default ""; }
  map $rewritten_from $client_uri { "" $uri; default $rewritten_from; }
  ${options.counting === undefined ? '' : `map "" $stats { default ${REQUEST_STATS}; }`}
  upstream ingress_balancer {
    server 0.0.0.1;
    balancer_by_lua_block { return resty_ingress.balancer() }
    keepalive 320;
    keepalive_timeout ${options.upstreamIdleSeconds ?? 60}s;
    keepalive_requests 10000;
  }
  server {
    listen 127.0.0.1:${options.httpPort} default_server;
    listen 127.0.0.1:${options.httpsPort} ssl http2 default_server;
    ssl_certificate data:$no_certificate;
    ssl_certificate_key data:$no_certificate;
    ssl_certificate_by_lua_block { return resty_ingress.certificate("default") }
    client_max_body_size 1m;
    ${errorPages()}${errorLocations()}
    ${options.counting === undefined ? '' : LOG_REQUEST}
    server_rewrite_by_lua_block { return resty_ingress.rewrite("default") }
    location / {${proxy()}
    }
    location @watched {
      rewrite_by_lua_block { return resty_ingress.rewrite_watched() }
      ${LOG}${proxy()}
    }${classLocations(options)}
    ${options.extra ?? ''}
  }
}
${options.stream ?? ''}
# ${options.salt ?? ''}
`
}

/** The hash is of the text without the hash, so equal options give equal bytes. */
export function renderFixture(options: FixtureOptions): { readonly hash: string; readonly text: string } {
  const hash = createHash('sha256').update(body(options, '')).digest('hex').slice(0, 16)
  return { hash, text: `# resty-ingress config ${hash}\n${body(options, hash)}` }
}
