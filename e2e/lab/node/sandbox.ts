/**
 * Starts a process as a container: own mounts (an overlay over the image's root with the volumes in
 * it), own process and host-name namespaces, the pod's network, the user and capabilities it asks for.
 */

import type { V1Capabilities, V1Container, V1Pod } from '@kubernetes/client-node'
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, fchownSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Mount } from './images.ts'
import { resolveInRoot } from './root-path.ts'

export interface SandboxOptions {
  readonly pod: V1Pod
  readonly container: V1Container
  /** An empty folder for the writable layer. */
  readonly folder: string
  readonly root: string
  readonly fileCapabilities: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly argv: readonly string[]
  readonly workingFolder: string
  readonly environment: Readonly<Record<string, string>>
  readonly networkNamespace: string
  /** The image's user, where the pod does not say. */
  readonly user: number
  readonly logFile: string
}

export interface Sandbox {
  /** A shell outside of the container that exits with the container's status. */
  readonly child: ChildProcess
  /** Process 1 of the container, as the lab sees it; undefined when the container could not be made. */
  readonly pid: number | undefined
}

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { folder, networkNamespace, pod, logFile, root } = options
  const mounts = await Promise.all(options.mounts.map(async (mount) =>
    ({ ...mount, target: await resolveInRoot(root, mount.target) })))
  await Promise.all(['upper', 'work', 'root'].map((name) => mkdir(join(folder, name), { recursive: true })))
  const log = openSync(logFile, 'a')
  // As container runtimes do, so that a program can open /dev/stdout again.
  fchownSync(log, userOf(options), -1)
  const child = spawn('nsenter', [
    `--net=/run/netns/${networkNamespace}`,
    'unshare', '--mount', '--uts', '--pid',
    'sh', '-ec', sandboxScript({ ...options, mounts }), 'sh', pod.metadata?.name ?? '',
    ...credentialCommand(options), ...startCommand(options), ...options.argv,
  ], { stdio: ['ignore', log, log, 'pipe'], env: { ...options.environment } })
  closeSync(log)
  return { child, pid: await reportedPid(child) }
}

/** The command that runs something inside the container whose first process is `pid`. */
export function insideCommand(
  pid: number, options: Identity & Pick<SandboxOptions, 'folder' | 'workingFolder'>, argv: readonly string[],
): string[] {
  return [
    'nsenter', '--target', String(pid), '--mount', '--uts', '--net', '--pid', 'chroot', rootOf(options.folder),
    ...credentialCommand(options), ...startCommand(options), ...argv,
  ]
}

/** A shell ignores these signals for what it runs in the background, and programs inherit that. */
function startCommand({ workingFolder }: Pick<SandboxOptions, 'workingFolder'>): string[] {
  return ['env', '-C', workingFolder, '--default-signal=INT,QUIT']
}

/** Waits until the container is made: its pid has been told, and all its mounts are there. */
async function reportedPid(child: ChildProcess): Promise<number | undefined> {
  const pipe = child.stdio[3] as Readable
  const told = new Promise<number>((resolve) => {
    let text = ''
    pipe.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const pid = /^\d+$/m.exec(text)
      if (pid !== null && text.includes('made\n')) resolve(Number(pid[0]))
    })
  })
  const gone = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() => undefined)
  const pid = await Promise.race([told, gone])
  pipe.destroy()
  return pid
}

function rootOf(folder: string): string {
  return join(folder, 'root')
}

/**
 * The first child of this shell is process 1 of the new process namespace, so it does all the rest; the
 * shell stays outside and passes the exit status on.
 */
function sandboxScript({ folder, root, mounts, container, fileCapabilities }: SandboxOptions): string {
  const target = rootOf(folder)
  const layers = `lowerdir=${root},upperdir=${join(folder, 'upper')},workdir=${join(folder, 'work')}`
  const readOnly = container.securityContext?.readOnlyRootFilesystem === true
  return [
    '(',
    'printf %s "$1" > /proc/sys/kernel/hostname; shift',
    `mount -t overlay overlay -o ${quote(layers)} ${target}`,
    ...Object.entries(fileCapabilities).map(([file, text]) => `setcap ${quote(text)} ${quote(join(target, file))}`),
    `mount -t proc proc ${target}/proc`,
    `mount --rbind /dev ${target}/dev; mount --rbind /sys ${target}/sys`,
    // The host's temporary files are no part of the image.
    `mount -t tmpfs -o mode=1777 tmpfs ${target}/tmp`,
    // Parents first, so that a mount inside another is not hidden by it.
    ...[...mounts].sort((a, b) => a.target.length - b.target.length).flatMap((mount) => mountLines(target, mount)),
    ...readOnly ? [`mount -o remount,ro ${target}`, ...readOnlyTmp(target, mounts)] : [],
    'echo made >&3; exec 3>&-',
    `exec chroot ${target} "$@"`,
    ') & echo $! >&3; exec 3>&-; wait $!',
  ].join('\n')
}

function readOnlyTmp(target: string, mounts: readonly Mount[]): string[] {
  return mounts.some((mount) => mount.target === '/tmp') ? [] : [`mount -o remount,ro ${target}/tmp`]
}

function mountLines(root: string, { source, target, readOnly }: Mount): string[] {
  const at = quote(join(root, target))
  return [
    `if [ -d ${quote(source)} ]; then mkdir -p ${at}; else mkdir -p "$(dirname ${at})"; : >> ${at}; fi`,
    `mount --bind ${quote(source)} ${at}`,
    ...readOnly ? [`mount -o remount,bind,ro ${at}`] : [],
  ]
}

function quote(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}

/** What container runtimes give to a root process by default. */
const DEFAULT_CAPABILITIES = [
  'chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'setpcap', 'net_bind_service',
  'net_raw', 'sys_chroot', 'mknod', 'audit_write', 'setfcap',
]

type Identity = Pick<SandboxOptions, 'pod' | 'container' | 'user'>

function userOf({ pod, container, user }: Identity): number {
  return container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser ?? user
}

function credentialCommand(identity: Identity): string[] {
  const { pod, container } = identity
  const ofPod = pod.spec?.securityContext ?? {}
  const ofContainer = container.securityContext ?? {}
  const { runAsGroup = 0 } = { ...ofPod, ...ofContainer }
  const groups = [ofPod.fsGroup, ...ofPod.supplementalGroups ?? []].filter((group) => group !== undefined)
  const capabilities = capabilityList(ofContainer.capabilities)
  return [
    'setpriv', '--reuid', String(userOf(identity)), '--regid', String(runAsGroup),
    ...groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join()],
    '--bounding-set', capabilities, '--inh-caps', capabilities,
    ...ofContainer.allowPrivilegeEscalation === false ? ['--no-new-privs'] : [], '--',
  ]
}

/** Nothing is ambient, as in Kubernetes: a process that is not root has no capability by `add` alone. */
function capabilityList({ add = [], drop = [] }: V1Capabilities = {}): string {
  const plain = (name: string): string => name.toLowerCase().replace(/^cap_/, '')
  const dropped = drop.map(plain)
  const kept = dropped.includes('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.includes(name))
  return ['-all', ...[...new Set([...kept, ...add.map(plain)])].map((name) => `+${name}`)].join()
}
