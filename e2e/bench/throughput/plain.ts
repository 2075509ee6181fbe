/**
 * Our own rendered nginx.conf with Lua taken out and a static `upstream` in its place: so plain NGINX has
 * the same headers, log format, keep-alive and buffers, whatever those are.
 */
import { TEMPORARY_PATHS } from '../nginx.ts'
import { BenchError } from '../options.ts'

export interface PlainOptions {
  readonly httpPort: number
  /** `address:port` of the backends. */
  readonly peers: readonly string[]
  /** For `$proxy_upstream_name` in the log. */
  readonly upstreamName: string
}

/** What goes; each must be there, or the comparison is not what it says. */
const REMOVED: readonly RegExp[] = [
  /^include modules\.conf;\n/m,
  /^ *include runtime\.conf;\n/m,
  /^error_log .*;\n/gm,
  /^ *init_by_lua_block .*\n/m,
  /^ *init_worker_by_lua_block .*\n/m,
  /^ *more_clear_headers .*\n/m,
  /^ *listen .* ssl.*\n/gm,
  /^ *ssl_certificate(_key)? .*\n/gm,
  /^ *ssl_certificate_by_lua_block .*\n/m,
  /^ *server_rewrite_by_lua_block .*\n/m,
  /^ *balancer_by_lua_block .*\n/m,
]

export function plainConfig(ours: string, { httpPort, peers, upstreamName }: PlainOptions): string {
  const steps: readonly (readonly [RegExp, string])[] = [
    ...REMOVED.map((pattern) => [pattern, ''] as const),
    [/^ *server 0\.0\.0\.1;\n/m, peers.map((peer) => `        server ${peer};\n`).join('')],
    [/(map "" \$proxy_upstream_name \{ default )"-"/, `$1"${upstreamName}"`],
    [/(listen 127\.0\.0\.1:)\d+/, `$1${httpPort}`],
    [/access_log access\.log /, 'access_log /dev/null '],
    [/^http \{\n/m, `http {\n${TEMPORARY_PATHS}`],
  ]
  const text = steps.reduce(replaced, ours)
  if (/lua/.test(text)) throw new BenchError('the plain configuration still has Lua in it')
  return text
}

function replaced(text: string, [pattern, by]: readonly [RegExp, string]): string {
  const result = text.replace(pattern, by)
  if (result === text) throw new BenchError(`our nginx.conf has no ${pattern.source}`)
  return result
}
