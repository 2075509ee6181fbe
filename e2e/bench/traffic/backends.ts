/** The lightest backends that there are: one NGINX that answers at once on several addresses. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Daemon } from '../../lab/command.ts'
import { startNginx, TEMPORARY_PATHS, type Nginx } from '../nginx.ts'

/** Four endpoints at a time: traffic goes to the first set; a change takes the other one in its place. */
export const ENDPOINT_SETS: readonly EndpointSet[] = [
  { addresses: ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'], answer: 'v1' },
  { addresses: ['127.0.0.6', '127.0.0.7', '127.0.0.8', '127.0.0.9'], answer: 'v2' },
]

export interface EndpointSet {
  readonly addresses: readonly string[]
  /** The body that each of them answers with, of two bytes. */
  readonly answer: string
}

/** The addresses that traffic goes to while nothing changes. */
export const ADDRESSES: readonly string[] = ENDPOINT_SETS[0]?.addresses ?? []

/** Where an answer of 100 KB is. */
export const LARGE_PATH = '/large'
const LARGE_BYTES = 100 * 1024

/** Root's worker would be somebody else, who cannot read a folder of ours. */
const USER = process.getuid?.() === 0 ? 'user root root;\n' : ''

export async function startBackends(nginx: Nginx, folder: string, port: number): Promise<Daemon> {
  await writeFile(join(folder, 'large'), Buffer.alloc(LARGE_BYTES, 'x'))
  return await startNginx(nginx, 'backends', folder, backendConfig(folder, port))
}

function backendConfig(folder: string, port: number): string {
  return `${USER}worker_processes 1;
events { worker_connections 4096; }
http {
${TEMPORARY_PATHS}    access_log off;
    keepalive_requests 1000000000;
    default_type text/plain;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=10;
${ENDPOINT_SETS.map((set) => serverConfig(set, folder, port)).join('')}}
`
}

function serverConfig({ addresses, answer }: EndpointSet, folder: string, port: number): string {
  return `    server {
${addresses.map((address) => `        listen ${address}:${port} backlog=4096;\n`).join('')}        root ${folder};
        location / { return 200 "${answer}"; }
        location = ${LARGE_PATH} { }
    }
`
}
