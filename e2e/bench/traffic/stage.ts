/** What every comparison stands on: backends, a client, a core for the measured process alone. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueCertificate, type Certificate } from '../../lab/certificates.ts'
import type { Daemon } from '../../lab/command.ts'
import { findNginx, type Nginx } from '../nginx.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { startBackends } from './backends.ts'
import { requireClients } from './client.ts'
import { CORES, pin } from './cpu.ts'
import { HOST } from './ours.ts'
import { workerOf } from './worker.ts'

export interface Stage {
  readonly folder: string
  readonly nginx: Nginx
  readonly backendPort: number
  /** For HOST. */
  readonly certificate: Certificate
  /** What has to be stopped at the end, in the order of the starts. */
  readonly daemons: Daemon[]
}

/** Builds it, and takes everything down again that `run` has put on it. */
export async function withStage<T>(options: BenchOptions, run: (stage: Stage) => Promise<T>): Promise<T> {
  if (availableParallelism() < 2) throw new BenchError('two cores are needed: one for the measured process alone')
  await requireClients()
  const nginx = await findNginx(options.variant)
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-bench-'))
  const daemons: Daemon[] = []
  try {
    const [backendPort] = await freePorts(1)
    daemons.push(await startBackends(nginx, folder, backendPort))
    await pin(await workerOf(join(folder, 'backends.pid')), CORES.others)
    const certificate = await issueCertificate(await createAuthority('bench'), { commonName: HOST, dnsNames: [HOST] })
    return await run({ folder, nginx, backendPort, certificate, daemons })
  } finally {
    for (const daemon of daemons.toReversed()) await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Free now; all are held until all are known, so that they differ. */
export async function freePorts(count: number): Promise<readonly [number, ...number[]]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const [first = 0, ...others] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return [first, ...others]
}
