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
  readonly httpsPort: number
  /** Files of the certificate that we have in a Secret. */
  readonly certificate: string
  readonly key: string
  /** `address:port` of the backends. */
  readonly peers: readonly string[]
  /** For `$proxy_upstream_name` in the log. */
  readonly upstreamName: string
}

/** What goes; each must be there, or the comparison is not what it says. */
const REMOVED: readonly RegExp[] = [
  /^ *include runtime\.conf;\n/m,
  /^error_log .*;\n/gm,
  // As the renderer writes them: what closes a block ends its line.
  /^ *\w+_by_lua_block \{[^]*?\}\n/gm,
]

export function plainConfig(ours: string, options: PlainOptions): string {
  const { modules, httpPort, httpsPort, certificate, key, peers, upstreamName } = options
  const steps: readonly (readonly [RegExp, string])[] = [
    ...REMOVED.map((pattern) => [pattern, ''] as const),
    [/^include modules\.conf;\n/m, headersMore(modules)],
    [/^ *server 0\.0\.0\.1;\n/m, peers.map((peer) => `        server ${peer};\n`).join('')],
    [/(map "" \$proxy_upstream_name \{ default )"-"/, `$1"${upstreamName}"`],
    [/(listen 127\.0\.0\.1:)\d+(.* ssl)/, `$1${httpsPort}$2`],
    [/(listen 127\.0\.0\.1:)\d+((?!.* ssl))/, `$1${httpPort}$2`],
    [/(ssl_certificate) data:.*;/, `$1 ${certificate};`],
    [/(ssl_certificate_key) data:.*;/, `$1 ${key};`],
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
