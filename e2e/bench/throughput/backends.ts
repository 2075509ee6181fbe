/** The lightest backends that there are: one NGINX that answers at once on several addresses. */
import type { Daemon } from '../../lab/command.ts'
import { startNginx, TEMPORARY_PATHS, type Nginx } from '../nginx.ts'

/** Four loopback addresses: a Service with four endpoints. */
export const ADDRESSES: readonly string[] = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']

export async function startBackends(nginx: Nginx, folder: string, port: number): Promise<Daemon> {
  return await startNginx(nginx, 'backends', folder, backendConfig(port))
}

function backendConfig(port: number): string {
  return `worker_processes 1;
events { worker_connections 4096; }
http {
${TEMPORARY_PATHS}    access_log off;
    keepalive_requests 1000000000;
    default_type text/plain;
    server {
${ADDRESSES.map((address) => `        listen ${address}:${port} backlog=4096;\n`).join('')}        return 200 "ok\\n";
    }
}
`
}
