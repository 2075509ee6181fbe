/** Our side: OpenResty by its launcher, and the sidecar on a folder of manifests, as `npm start` runs them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Daemon } from '../../lab/command.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { startDaemon, type Nginx } from '../nginx.ts'

const NAMESPACE = 'bench'
const SERVICE = 'web'
const SETTINGS = 'settings'
const SERVICE_PORT = 80

/** What `$proxy_upstream_name` says of the only backend. */
export const UPSTREAM_NAME = `${NAMESPACE}-${SERVICE}-${SERVICE_PORT}`

export interface OursOptions {
  readonly nginx: Nginx
  readonly folder: string
  readonly host: string
  readonly addresses: readonly string[]
  readonly backendPort: number
  readonly httpPort: number
  readonly httpsPort: number
}

export interface Ours {
  readonly openresty: Daemon
  readonly sidecar: Daemon
  readonly runDir: string
  /** A file of the run folder, such as the rendered nginx.conf. */
  file(name: string): Promise<string>
}

export async function startOurs(options: OursOptions): Promise<Ours> {
  const { nginx, folder, httpPort, httpsPort } = options
  const runDir = join(folder, 'run')
  const manifests = join(folder, 'manifests')
  await mkdir(manifests)
  await writeFile(join(manifests, 'bench.yaml'), manifestsText(options))
  const openresty = startDaemon({
    name: 'openresty',
    command: [join(REPOSITORY, 'openresty/start')],
    folder,
    env: { NGINX: nginx.program, RESTY_INGRESS_RUN: runDir, RESTY_INGRESS_ALLOW_LOOPBACK: '1' },
  })
  const flags = [
    `--manifests=${manifests}`, `--run-dir=${runDir}`, `--configmap=${NAMESPACE}/${SETTINGS}`,
    '--watch-ingress-without-class', '--bind-address=127.0.0.1', '--healthz-host=127.0.0.1', '--healthz-port=0',
    `--http-port=${httpPort}`, `--https-port=${httpsPort}`,
  ]
  const command = [process.execPath, join(REPOSITORY, 'sidecar/main.ts'), 'run', ...flags]
  const sidecar = startDaemon({ name: 'sidecar', command, folder })
  return { openresty, sidecar, runDir, file: (name) => readFile(join(runDir, name), 'utf8') }
}

/** One Ingress, one Service; one worker, so that all of its work is done by the process that is measured. */
function manifestsText({ host, addresses, backendPort }: OursOptions): string {
  const named = (name: string): object => ({ name, namespace: NAMESPACE })
  const backend = { service: { name: SERVICE, port: { number: SERVICE_PORT } } }
  const objects = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named(SETTINGS), data: { 'worker-processes': '1' } },
    { apiVersion: 'v1', kind: 'Service', metadata: named(SERVICE), spec: { ports: [{ port: SERVICE_PORT, targetPort: backendPort }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...named(SERVICE), labels: { 'kubernetes.io/service-name': SERVICE } },
      addressType: 'IPv4',
      ports: [{ port: backendPort, protocol: 'TCP' }],
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: named(SERVICE),
      spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
    },
  ]
  return objects.map((object) => JSON.stringify(object)).join('\n---\n')
}
