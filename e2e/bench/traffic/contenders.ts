/** Those that are compared: we, and plain NGINX with the configuration made from ours. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import type { Daemon } from '../../lab/command.ts'
import { eventually } from '../../lab/wait.ts'
import { startNginx } from '../nginx.ts'
import { ADDRESSES } from './backends.ts'
import type { Client, LoadOptions } from './client.ts'
import { CORES, cpuTime, pin } from './cpu.ts'
import { HOST, startOurs, UPSTREAM_NAME, type Ours } from './ours.ts'
import { plainConfig } from './plain.ts'
import type { Figures } from './rounds.ts'
import { freePorts, type Stage } from './stage.ts'
import { workerOf } from './worker.ts'

export interface Contender {
  readonly httpPort: number
  /** The process that serves; nothing else runs on its core. */
  readonly pid: number
}

export interface NginxContender extends Contender {
  readonly httpsPort: number
}

export interface OurContender extends NginxContender {
  readonly ours: Ours
}

/** `name` becomes its folder. */
export async function startOurContender(
  stage: Stage, name: string, flags: readonly string[] = [],
): Promise<OurContender> {
  const [httpPort, httpsPort = 0] = await freePorts(2)
  const { nginx, backendPort, certificate } = stage
  const folder = join(stage.folder, name)
  await mkdir(folder)
  const ports = { backendPort, httpPort, httpsPort }
  const ours = await startOurs({ nginx, folder, addresses: ADDRESSES, ...ports, certificate, flags })
  stage.daemons.push(ours.openresty, ours.sidecar)
  await served(httpPort, ours.sidecar)
  return { ours, httpPort, httpsPort, pid: await pinnedWorker(ours.pidFile) }
}

export async function startPlainContender(stage: Stage, { ours }: OurContender): Promise<NginxContender> {
  const [httpPort, httpsPort = 0] = await freePorts(2)
  const [certificate, key] = [join(stage.folder, 'plain.crt'), join(stage.folder, 'plain.key')]
  await writeFile(certificate, stage.certificate.certificate)
  await writeFile(key, stage.certificate.key)
  const config = plainConfig(await ours.file('nginx.conf'), {
    modules: await ours.file('modules.conf'),
    httpPort,
    httpsPort,
    certificate,
    key,
    peers: ADDRESSES.map((address) => `${address}:${stage.backendPort}`),
    upstreamName: UPSTREAM_NAME,
  })
  const plain = await startNginx(stage.nginx, 'plain', stage.folder, config)
  stage.daemons.push(plain)
  await served(httpPort, plain)
  return { httpPort, httpsPort, pid: await pinnedWorker(join(stage.folder, 'plain.pid')) }
}

async function pinnedWorker(pidFile: string): Promise<number> {
  const pid = await workerOf(pidFile)
  await pin(pid, CORES.measured)
  return pid
}

/** Waits until HOST is served on the port; throws with the end of the daemon's log when it never is. */
export async function served(port: number, daemon: Daemon): Promise<void> {
  const isServed = async (): Promise<boolean> => (await statusOf(port).catch(() => 0)) === 200
  await eventually(`${daemon.name} serves ${HOST}`, isServed, { describe: () => daemon.tail() })
}

async function statusOf(port: number): Promise<number> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { headers: { host: HOST } })
  await body.dump()
  return statusCode
}

/** One run of a client, and what it cost the process that served it. */
export async function measure(pid: number, client: Client, load: Omit<LoadOptions, 'core'>): Promise<Figures> {
  const before = await cpuTime(pid)
  const result = await client({ ...load, core: CORES.others })
  const cpu = (await cpuTime(pid)) - before
  return { ...result, cpu: cpu / result.requests, rps: (result.requests / result.microseconds) * 1e6 }
}
