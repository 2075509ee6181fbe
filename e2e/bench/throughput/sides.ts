/** Both sides, ready to be measured, and the backends behind them. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import type { Daemon } from '../../lab/command.ts'
import { eventually } from '../../lab/wait.ts'
import { startNginx, type Nginx } from '../nginx.ts'
import { ADDRESSES, startBackends } from './backends.ts'
import { childrenOf, pin } from './cpu.ts'
import { startOurs, UPSTREAM_NAME } from './ours.ts'
import { plainConfig } from './plain.ts'

export const HOST = 'bench.example'
/** The measured worker has a core of its own; client and backends share the other. */
export const CORES = { worker: 0, others: 1 } as const

export interface Side {
  readonly url: string
  /** The process that serves. */
  readonly worker: number
}

export interface Sides {
  readonly ours: Side
  readonly plain: Side
}

/** Starts everything in `folder`; what has to be stopped is added to `daemons`. */
export async function startSides(nginx: Nginx, folder: string, daemons: Daemon[]): Promise<Sides> {
  const [backendPort, httpPort, httpsPort, plainPort] = await freePorts()
  daemons.push(await startBackends(nginx, folder, backendPort))
  const ours = await startOurs({ nginx, folder, host: HOST, addresses: ADDRESSES, backendPort, httpPort, httpsPort })
  daemons.push(ours.openresty, ours.sidecar)
  await served(httpPort, ours.sidecar)
  const peers = ADDRESSES.map((address) => `${address}:${backendPort}`)
  const modules = await ours.file('modules.conf')
  const config = plainConfig(await ours.file('nginx.conf'), { modules, httpPort: plainPort, peers, upstreamName: UPSTREAM_NAME })
  const plain = await startNginx(nginx, 'plain', folder, config)
  daemons.push(plain)
  await served(plainPort, plain)
  await pin(await workerOf(join(folder, 'backends.pid')), CORES.others)
  return {
    ours: await makeSide(httpPort, join(ours.runDir, 'nginx.pid')),
    plain: await makeSide(plainPort, join(folder, 'plain.pid')),
  }
}

async function makeSide(port: number, pidFile: string): Promise<Side> {
  const worker = await workerOf(pidFile)
  await pin(worker, CORES.worker)
  return { url: `http://127.0.0.1:${port}/`, worker }
}

/** The only worker of a master; after a reload the old one takes a moment to go. */
async function workerOf(pidFile: string): Promise<number> {
  return await eventually(`one worker of ${pidFile}`, async () => {
    const master = Number(await readFile(pidFile, 'utf8').catch(() => ''))
    const workers = master > 0 ? await childrenOf(master) : []
    return workers.length === 1 && workers[0]
  })
}

/** Waits for the host to be served. */
async function served(port: number, daemon: Daemon): Promise<void> {
  const isServed = async (): Promise<boolean> => (await statusOf(port).catch(() => 0)) === 200
  await eventually(`${daemon.name} serves ${HOST}`, isServed, { describe: () => daemon.tail() })
}

async function statusOf(port: number): Promise<number> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { headers: { host: HOST } })
  await body.dump()
  return statusCode
}

/** Free now; all are held until all are known, so that they differ. */
async function freePorts(): Promise<readonly [number, number, number, number]> {
  const servers = [0, 0, 0, 0].map((port) => createServer().listen(port, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const [first = 0, second = 0, third = 0, fourth = 0] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return [first, second, third, fourth]
}
