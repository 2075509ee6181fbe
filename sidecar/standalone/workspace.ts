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
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-'))
  const runDir = options.runDir === undefined ? join(folder, 'run') : resolve(options.runDir)
  const credentials = credentialsFor(options.ports, program)
  const home = credentials === undefined ? REPOSITORY : join(folder, 'home')
  await mkdir(runDir, { recursive: true, mode: 0o750 })
  if (credentials !== undefined) await giveTo(credentials.user, { folder, home, runDir })
  return {
    runDir,
    command: [...withParent(credentials?.flags ?? []), join(home, 'openresty/start')],
    env: {
      ...process.env,
      RESTY_INGRESS_RUN: runDir,
      RESTY_INGRESS_HOME: home,
      RESTY_INGRESS_ALLOW_LOOPBACK: '1',
      ...(program === undefined ? {} : { NGINX: program }),
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** `command`, ended by the kernel when we are killed without a chance to do it ourselves. */
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

interface Credentials {
  readonly user: number
  /** For setpriv. */
  readonly flags: readonly string[]
}

/**
 * Undefined: stay who we are. That is so for everybody but root, and for root where it cannot become
 * another user (some containers), or where the other user cannot run the program.
 */
function credentialsFor(ports: readonly number[], program: string | undefined): Credentials | undefined {
  if (process.getuid?.() !== 0) return undefined
  const user = FIRST_DYNAMIC_USER + (process.pid % DYNAMIC_USERS)
  const isPrivileged = ports.some((port) => port <= LAST_PRIVILEGED_PORT)
  const capability = isPrivileged ? '+net_bind_service' : '-all'
  const flags = [
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
    '--bounding-set=-all,+net_bind_service',
    '--no-new-privs',
  ]
  const { status } = spawnSync('setpriv', [...flags, '--', 'test', '-x', program ?? '/bin/sh'])
  return status === 0 ? { user, flags } : undefined
}

interface Folders {
  readonly folder: string
  readonly home: string
  readonly runDir: string
}

async function giveTo(user: number, { folder, home, runDir }: Folders): Promise<void> {
  for (const part of ['lua', 'openresty']) await cp(join(REPOSITORY, part), join(home, part), { recursive: true })
  // Others may pass through, not look around; what is inside has rights of its own.
  await chmod(folder, 0o711)
  await chown(runDir, user, user)
}
