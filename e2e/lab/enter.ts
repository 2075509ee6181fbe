/**
 * Moves the running program into the lab's own namespaces by starting it again inside: network (its
 * bridge and addresses are the whole world), mounts (`/run` is a tmpfs that goes with it) and processes
 * (when the first dies, the kernel ends the rest). So whatever happens, nothing is left behind.
 */

import { tryCommand } from './command.ts'
import { prepareTools, type Tools, type Variant } from './tools.ts'

const ENVIRONMENT = 'RESTY_INGRESS_LAB'

const SETPRIV = '/usr/bin/setpriv'
/** What follows dies with the process that started it. */
const WITH_PARENT = [SETPRIV, '--pdeathsig', 'KILL']

/** `unshare` lets no SIGTERM through, so a shell waits in its place; what ends the shell ends the lab. */
const GUARD = `
"$@" <&0 & lab=$!
trap 'kill -KILL $lab; exit 143' TERM HUP
trap : INT
while :; do
  wait $lab; status=$?
  kill -0 $lab 2>/dev/null || exit $status
done`

const SET_UP = 'mount -t tmpfs -o mode=0755 lab /run && ip link set lo up && exec "$@"'

/**
 * Returns the tools when the program runs inside the lab. Outside, prepares them and becomes the same
 * program inside, so a call must come before anything that cannot be done twice: at the top of a test
 * file, before the first test is declared.
 */
export async function enterLab(options: { readonly variant?: Variant } = {}): Promise<Tools> {
  const inside = process.env[ENVIRONMENT]
  if (inside !== undefined) return JSON.parse(inside) as Tools
  const { argv, env } = await insideCommand(options.variant)
  process.execve?.(SETPRIV, [...WITH_PARENT, 'sh', '-c', GUARD, 'sh', ...argv], env)
  throw new Error('this Node cannot replace its own process; use the version of package.json')
}

/** The command and environment that run this same program inside. */
export async function insideCommand(
  variant?: Variant,
): Promise<{ readonly argv: string[], readonly env: Record<string, string> }> {
  if (process.getuid?.() !== 0) throw new Error('the lab makes network namespaces: run it as root (sudo)')
  await requireNamespaces()
  const tools = await prepareTools(variant)
  const argv = [
    ...WITH_PARENT, 'unshare', ...NAMESPACES, '--kill-child', '--mount-proc',
    'sh', '-c', SET_UP, 'sh', process.execPath, ...process.execArgv, ...process.argv.slice(1),
  ]
  const env = { ...withoutProxies(process.env), [ENVIRONMENT]: JSON.stringify(tools) }
  return { argv, env }
}

/** A proxy cannot be reached from inside, and curl and the control plane would ask it for pods. */
export function withoutProxies(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(kept.filter(([name]) => !/^(https?|all)_proxy$/i.test(name)))
}

const NAMESPACES = ['--net', '--mount', '--pid', '--fork']

async function requireNamespaces(): Promise<void> {
  const { code, stderr } = await tryCommand(['unshare', ...NAMESPACES, 'true'])
  if (code === 0) return
  throw new Error(`the lab needs to make namespaces, which this machine forbids (${stderr.trim()}); ` +
    'in a container, run it privileged')
}

export function isInside(): boolean {
  return process.env[ENVIRONMENT] !== undefined
}

/** Throws when the program does not run inside the lab. */
export function toolsInside(): Tools {
  const inside = process.env[ENVIRONMENT]
  if (inside === undefined) throw new Error('call enterLab() at the top of the file, before startLab()')
  return JSON.parse(inside) as Tools
}
