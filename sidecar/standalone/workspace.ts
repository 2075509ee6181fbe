/**
 * Where OpenResty runs, and as whom. Root's work is done by a user of its own: the repository may be in a
 * folder that this user cannot read, so it gets a copy of what it needs.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { StandaloneError } from './errors.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
/** Of the range that systemd keeps for users without an account: nothing else runs as one of these. */
const FIRST_DYNAMIC_USER = 61_184
const DYNAMIC_USERS = 4_000
const LAST_PRIVILEGED_PORT = 1_023

export interface Workspace {
  readonly runDir: string
  /** The launcher, and what has to stand in front of it. */
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  remove(): Promise<void>
}

export interface WorkspaceOptions {
  /** Path or name of the program; absent: the launcher finds one. */
  readonly nginx?: string
  /** A folder to be kept; absent: a temporary one. */
  readonly runDir?: string
  readonly ports: readonly number[]
}

/** Makes the folders. Throws StandaloneError when the program is not there. */
export async function makeWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const program = options.nginx === undefined ? undefined : findProgram(options.nginx)
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-start-'))
  const runDir = options.runDir === undefined ? join(folder, 'run') : resolve(options.runDir)
  await mkdir(runDir, { recursive: true, mode: 0o750 })
  const { home, flags } = await chooseUser({ ...options, program, folder, runDir })
  return {
    runDir,
    command: [...withParent(flags), join(home, 'openresty/start')],
    env: {
      ...process.env,
      RESTY_INGRESS_RUN: runDir,
      RESTY_INGRESS_HOME: home,
      RESTY_INGRESS_ALLOW_LOOPBACK: '1',
      // Nobody has to be told that a developer's instance goes.
      RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD: '0',
      ...(program === undefined ? {} : { NGINX: program }),
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/**
 * What to put in front of a command, with flags for setpriv: the kernel ends the command when we are killed
 * without a chance to do it ourselves.
 */
export function withParent(flags: readonly string[]): string[] {
  if (process.platform !== 'linux') return []
  return ['setpriv', '--pdeathsig=TERM', ...flags, '--']
}

function findProgram(name: string): string {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  const found = candidates.find((path) => isExecutable(path))
  if (found === undefined) throw new StandaloneError(`there is no program ${name}; --nginx takes the path of NGINX or OpenResty`)
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface Situation {
  readonly program: string | undefined
  readonly folder: string
  readonly runDir: string
  readonly ports: readonly number[]
}

/**
 * Flags of setpriv for the user that OpenResty runs as, and the folder where this user finds it. Root gives
 * way to another user unless that is impossible: some containers have no other users, and this one may
 * not get to the program or to the temporary folder.
 */
async function chooseUser({ program, folder, runDir, ports }: Situation): Promise<{ flags: string[]; home: string }> {
  if (process.getuid?.() !== 0) return { flags: [], home: REPOSITORY }
  const user = FIRST_DYNAMIC_USER + (process.pid % DYNAMIC_USERS)
  const flags = credentials(user, ports.some((port) => port <= LAST_PRIVILEGED_PORT))
  const home = await copyHome(folder)
  const needed = [join(home, 'openresty/start'), ...(program === undefined ? [] : [program])]
  const canRun = needed.every((path) => spawnSync('setpriv', [...flags, '--', 'test', '-x', path]).status === 0)
  if (!canRun) return { flags: [], home: REPOSITORY }
  await chown(runDir, user, user)
  return { flags, home }
}

function credentials(user: number, mayBindPrivileged: boolean): string[] {
  const capabilities = mayBindPrivileged ? '+net_bind_service' : '-all'
  return [
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    `--inh-caps=${capabilities}`,
    `--ambient-caps=${capabilities}`,
    '--bounding-set=-all,+net_bind_service',
    '--no-new-privs',
  ]
}

/** What OpenResty needs of the repository, readable for everybody whatever the rights of the clone are. */
async function copyHome(folder: string): Promise<string> {
  const home = join(folder, 'home')
  for (const part of ['lua', 'openresty']) await cp(join(REPOSITORY, part), join(home, part), { recursive: true })
  spawnSync('chmod', ['-R', 'a+rX', home])
  // Others may pass through, not look around; the run folder has rights of its own.
  await chmod(folder, 0o711)
  return home
}
