/**
 * Finds or makes everything the lab runs, before the lab is entered: inside there is no way out to a
 * package registry. The second run costs nothing.
 */

import { existsSync } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, cacheKey } from './cache.ts'
import { runCommand, runWithProgress, tryCommand, withRetries } from './command.ts'
import { makeNextRoot } from './next-root.ts'
import { requirePrograms } from './packages.ts'

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Which NGINX serves: Debian's own, Debian's newest in a root folder of its own, or OpenResty. */
export type Variant = 'system' | 'next' | 'openresty'
export const VARIANTS: readonly Variant[] = ['system', 'next', 'openresty']

/** Paths of what the lab starts. */
export interface Tools {
  readonly etcd: string
  readonly kubeApiserver: string
  readonly kubeControllerManager: string
  readonly echoBasic: string
  /** The root folder of the `next` variant, when it was asked for. */
  readonly nextRoot?: string
  /** The program of the `openresty` variant, when it was asked for. */
  readonly openresty?: string
}

/**
 * Makes what is missing and returns the paths. Throws one sentence that names the command to run when
 * something is missing that cannot be installed here.
 */
export async function prepareTools(variant?: Variant): Promise<Tools> {
  await requireReadableClone()
  await requirePrograms([
    ['ip', 'iproute2'], ['unshare', 'util-linux'], ['setpriv', 'util-linux'],
    ['nsenter', 'util-linux'], ['flock', 'util-linux'], ['mount', 'mount'],
    ['sysctl', 'procps'], ['openssl', 'openssl'], ['nft', 'nftables'],
    ['setcap', 'libcap2-bin'], ['curl', 'curl'],
  ])
  const binaries = await controlPlaneBinaries()
  if (variant === 'system') await requireSystemNginx()
  if (variant === 'openresty') return { ...binaries, openresty: await findOpenresty() }
  return variant === 'next' ? { ...binaries, nextRoot: await makeNextRoot() } : binaries
}

/** What is mounted into pods of other users; a clone under a umask of 077 is closed to them. */
async function requireReadableClone(): Promise<void> {
  for (const path of ['sidecar/main.ts', 'openresty/start', 'node_modules/yaml/package.json']) {
    const { mode } = await stat(join(REPOSITORY, path))
    if ((mode & 0o004) !== 0) continue
    throw new Error(`pods of the lab run as other users, who cannot read this clone: run \`chmod -R go+rX '${REPOSITORY}'\``)
  }
}

/** OpenResty may be at any place: a container's PATH is not the one of whoever runs the lab. */
async function findOpenresty(): Promise<string> {
  const { code, stdout } = await tryCommand(['sh', '-c', 'command -v openresty'])
  if (code === 0) return stdout.trim()
  throw new Error('the openresty variant needs OpenResty on PATH; install it or choose the variant next')
}

/** Throws with what setup.mjs says when Debian's NGINX with Lua is missing and cannot be installed here. */
async function requireSystemNginx(): Promise<void> {
  const setup = join(REPOSITORY, 'sidecar', 'setup.mjs')
  await runWithProgress("Debian's NGINX with Lua", [process.execPath, setup, '--with', 'nginx-system'])
}

/** The binaries of KUBEBUILDER_ASSETS where it is set, else those of e2e/controlplane, built once. */
async function controlPlaneBinaries(): Promise<Tools> {
  const built = await buildControlPlane()
  const assets = process.env['KUBEBUILDER_ASSETS']
  const folder = assets !== undefined && assets !== '' ? assets : built
  const tools = {
    etcd: join(folder, 'etcd'),
    kubeApiserver: join(folder, 'kube-apiserver'),
    kubeControllerManager: join(folder, 'kube-controller-manager'),
    echoBasic: join(built, 'echo-basic'),
  }
  for (const path of Object.values(tools)) {
    if (!existsSync(path)) throw new Error(`${path} is missing; KUBEBUILDER_ASSETS must hold etcd and Kubernetes`)
  }
  return tools
}

async function buildControlPlane(): Promise<string> {
  const module = join(REPOSITORY, 'e2e', 'controlplane')
  const sources = await Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(module, file), 'utf8')))
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(sources.join())]
  // With KUBEBUILDER_ASSETS only the echo backend is ours to build: seconds instead of minutes.
  const only = process.env['KUBEBUILDER_ASSETS'] ? ['sigs.k8s.io/gateway-api/conformance/echo-basic'] : ['tool']
  return await cached(`controlplane-${cacheKey(...sources, ...flags, ...only)}`, async (folder) => {
    await requireGo()
    const whole = only[0] === 'tool'
    const label = whole ? 'building the control plane (once, some minutes)' : 'building echo-basic'
    const argv = ['go', 'build', '-C', module, '-v', ...flags, '-o', `${folder}/`, ...only]
    const env = { HOME: homedir(), ...process.env, CGO_ENABLED: '0' }
    await withRetries(async () => { await runWithProgress(label, argv, { env }) })
    if (whole) await rename(join(folder, 'server'), join(folder, 'etcd'))
    // Pods run as other users, whatever our umask is.
    await runCommand(['chmod', '-R', 'a+rX', folder])
  })
}

/** Small binaries that know the version of Kubernetes that go.mod asks for. */
function linkerFlags(goMod: string): string {
  const [, version, major, minor] = /k8s\.io\/kubernetes v((\d+)\.(\d+)\.\S+)/.exec(goMod) ?? []
  const variables = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const settings = Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  return ['-s -w', ...settings].join(' ')
}

/** Go 1.21 and newer fetch the toolchain that go.mod asks for by themselves. */
async function requireGo(): Promise<void> {
  await requirePrograms([['go', 'golang-go']])
  const { stdout } = await tryCommand(['go', 'env', 'GOVERSION'])
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1] ?? 0)
  if (minor < 21) throw new Error(`Go 1.21 or newer is needed to build the control plane, found ${stdout.trim()}`)
}
