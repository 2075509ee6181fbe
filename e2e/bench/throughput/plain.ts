/**
 * Our own rendered nginx.conf with Lua taken out and a static `upstream` in its place: so plain NGINX has
 * the same headers, log format, keep-alive and buffers, whatever those are.
 */
import { TEMPORARY_PATHS } from '../nginx.ts'
import { BenchError } from '../options.ts'

export interface PlainOptions {
  /** The launcher's modules.conf. */
  readonly modules: string
  readonly httpPort: number
  /** `address:port` of the backends. */
  readonly peers: readonly string[]
  /** For `$proxy_upstream_name` in the log. */
  readonly upstreamName: string
}

/** What goes; each must be there, or the comparison is not what it says. */
const REMOVED: readonly RegExp[] = [
  /^ *include runtime\.conf;\n/m,
  /^error_log .*;\n/gm,
  /^ *init_by_lua_block .*\n/m,
  /^ *init_worker_by_lua_block .*\n/m,
  /^ *listen .* ssl.*\n/gm,
  /^ *ssl_certificate(_key)? .*\n/gm,
  /^ *ssl_certificate_by_lua_block .*\n/m,
  /^ *server_rewrite_by_lua_block .*\n/m,
  /^ *balancer_by_lua_block .*\n/m,
]

export function plainConfig(ours: string, { modules, httpPort, peers, upstreamName }: PlainOptions): string {
  const steps: readonly (readonly [RegExp, string])[] = [
    ...REMOVED.map((pattern) => [pattern, ''] as const),
    [/^include modules\.conf;\n/m, headersMore(modules)],
    [/^ *server 0\.0\.0\.1;\n/m, peers.map((peer) => `        server ${peer};\n`).join('')],
    [/(map "" \$proxy_upstream_name \{ default )"-"/, `$1"${upstreamName}"`],
    [/(listen 127\.0\.0\.1:)\d+/, `$1${httpPort}`],
    [/access_log access\.log /, 'access_log /dev/null '],
    [/^http \{\n/m, `http {\n${TEMPORARY_PATHS}`],
  ]
  const text = steps.reduce(replaced, ours)
  if (/_by_lua|lua_/.test(text)) throw new BenchError('the plain configuration still has Lua in it')
  return text
}

/** The answers have the same headers, too: only the module that hides `Server` is loaded. */
function headersMore(modules: string): string {
  return modules.split('\n').filter((line) => line.includes('headers_more')).map((line) => `${line}\n`).join('')
}

function replaced(text: string, [pattern, by]: readonly [RegExp, string]): string {
  const result = text.replace(pattern, by)
  if (result === text) throw new BenchError(`our nginx.conf has no ${pattern.source}`)
  return result
}
