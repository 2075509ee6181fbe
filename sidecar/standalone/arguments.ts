/** The command line of `npm start`: two flags of its own, and every flag of `resty-ingress run`. */
import { join } from 'node:path'
import { parseCommand, UsageError, type Options } from '../options/options.ts'

const DEMO = join(import.meta.dirname, 'demo')

export const HELP = `npm start -- [flags]

Runs the ingress on this machine: OpenResty, the sidecar, and small web servers as backends.

  --manifests DIR   folder of Kubernetes objects, followed as it changes [the demo]
  --port N          port for HTTP [8080]
  --https-port N    port for HTTPS [8443]
  --nginx PATH      NGINX or OpenResty to run [the one on PATH]

and every flag of \`resty-ingress run\`. Unless they are given: --bind-address 127.0.0.1,
--healthz-host 127.0.0.1, --watch-ingress-without-class (nobody else is there to serve those),
and a run folder that goes away at the end.
`

/** The run folder is known only when it has been made: until then its flag is missing from `flags`. */
export interface Arguments {
  /** For `resty-ingress run`. */
  readonly flags: readonly string[]
  /** The same, as the sidecar will understand them. */
  readonly options: Options
  readonly manifests: string
  readonly nginx?: string
  readonly runDir?: string
  /** Any port will do for health and metrics when the usual one is taken. */
  readonly healthzPortIsFree: boolean
}

/** Our name of a flag -> the one of `resty-ingress run`. */
const ALIASES: Readonly<Record<string, string>> = { '--port': '--http-port' }

/** What nobody asked for otherwise. */
const DEFAULTS: readonly string[] = [
  `--manifests=${DEMO}`,
  '--http-port=8080',
  '--https-port=8443',
  '--bind-address=127.0.0.1',
  '--healthz-host=127.0.0.1',
  '--watch-ingress-without-class',
  '--shutdown-grace-period=0',
]

/** Undefined: help was asked for. Throws UsageError. */
export async function parseArguments(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Arguments | undefined> {
  if (args.includes('--help')) return undefined
  const { nginx, rest } = takeNginx(args.map(renamed))
  const given = new Set(rest.map(nameOf))
  const flags = [...DEFAULTS.filter((flag) => !given.has(nameOf(flag))), ...rest]
  const command = await parseCommand(['run', ...flags], '', env)
  if (command?.name !== 'run') throw new UsageError('only the flags of `resty-ingress run` can be given')
  const { options } = command
  const program = nginx ?? env.NGINX
  return {
    flags,
    options,
    manifests: options.manifests ?? DEMO,
    ...(program === undefined || program === '' ? {} : { nginx: program }),
    ...(given.has('--run-dir') ? { runDir: options['run-dir'] } : {}),
    healthzPortIsFree: !given.has('--healthz-port'),
  }
}

function nameOf(flag: string): string {
  return flag.split('=', 1)[0] ?? flag
}

function renamed(arg: string): string {
  const alias = ALIASES[nameOf(arg)]
  return alias === undefined ? arg : alias + arg.slice(nameOf(arg).length)
}

function takeNginx(args: readonly string[]): { nginx?: string; rest: string[] } {
  const at = args.findIndex((arg) => nameOf(arg) === '--nginx')
  if (at < 0) return { rest: [...args] }
  const arg = args[at] ?? ''
  const isJoined = arg.includes('=')
  const nginx = isJoined ? arg.slice('--nginx='.length) : args[at + 1]
  if (nginx === undefined || nginx === '') throw new UsageError('--nginx needs the path of NGINX or OpenResty')
  return { nginx, rest: args.toSpliced(at, isJoined ? 1 : 2) }
}
