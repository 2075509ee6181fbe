/** Our side: OpenResty by its launcher, and the sidecar on a folder of manifests, as `npm start` runs them. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from '../../lab/certificates.ts'
import type { Daemon } from '../../lab/command.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { startDaemon, type Nginx } from '../nginx.ts'

const NAMESPACE = 'bench'
const SERVICE = 'web'
const SETTINGS = 'settings'
const SECRET = 'tls'
const SERVICE_PORT = 80

/** What `$proxy_upstream_name` says of the only backend. */
export const UPSTREAM_NAME = `${NAMESPACE}-${SERVICE}-${SERVICE_PORT}`

/** The host of the Ingress: a name that resolves, so that clients send it in the TLS handshake, too. */
export const HOST = 'localhost'

export interface OursOptions {
  readonly nginx: Nginx
  /** Made for this instance alone. */
  readonly folder: string
  readonly addresses: readonly string[]
  readonly backendPort: number
  readonly httpPort: number
  readonly httpsPort: number
  readonly certificate: Certificate
  /** More flags of the sidecar. */
  readonly flags?: readonly string[]
  /** More keys of the ConfigMap. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface Ours {
  readonly openresty: Daemon
  readonly sidecar: Daemon
  /** Holds the master's process id. */
  readonly pidFile: string
  /** A file of the run folder, such as the rendered nginx.conf. */
  file(name: string): Promise<string>
  /** Writes the manifest of the EndpointSlice anew. */
  setEndpoints(addresses: readonly string[]): Promise<void>
}

export async function startOurs(options: OursOptions): Promise<Ours> {
  const { nginx, folder, httpPort, httpsPort, flags = [] } = options
  const runDir = join(folder, 'run')
  const manifests = join(folder, 'manifests')
  const setEndpoints = async (addresses: readonly string[]): Promise<void> => {
    const unfinished = join(folder, 'endpoints')
    await writeFile(unfinished, JSON.stringify(endpointSlice(options, addresses)))
    await rename(unfinished, join(manifests, 'endpoints.yaml'))
  }
  await mkdir(manifests, { recursive: true })
  await writeFile(join(manifests, 'bench.yaml'), manifestsText(options))
  await setEndpoints(options.addresses)
  const openresty = startDaemon({
    name: 'openresty',
    command: [join(REPOSITORY, 'openresty/start')],
    folder,
    env: {
      NGINX: nginx.program, RESTY_INGRESS_RUN: runDir, RESTY_INGRESS_ALLOW_LOOPBACK: '1',
      RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD: '0',
    },
  })
  const allFlags = [
    `--manifests=${manifests}`, `--run-dir=${runDir}`, '--shutdown-grace-period=0', `--configmap=${NAMESPACE}/${SETTINGS}`,
    '--watch-ingress-without-class', '--bind-address=127.0.0.1', '--healthz-host=127.0.0.1', '--healthz-port=0',
    `--http-port=${httpPort}`, `--https-port=${httpsPort}`, ...flags,
  ]
  const command = [process.execPath, join(REPOSITORY, 'sidecar/main.ts'), 'run', ...allFlags]
  const sidecar = startDaemon({ name: 'sidecar', command, folder })
  const file = (name: string): Promise<string> => readFile(join(runDir, name), 'utf8')
  return { openresty, sidecar, pidFile: join(runDir, 'nginx.pid'), file, setEndpoints }
}

/**
 * One worker, so that all of its work is done by the process that is measured. Connections live as long as
 * the client wants: h2load gives up one that is closed.
 */
const SETTINGS_DATA = { 'worker-processes': '1', 'keep-alive-requests': '100000000', 'ssl-redirect': 'false' }

function named(name: string): { readonly name: string; readonly namespace: string } {
  return { name, namespace: NAMESPACE }
}

/** One Ingress, one Service. */
function manifestsText({ backendPort, certificate, settings }: OursOptions): string {
  const backend = { service: { name: SERVICE, port: { number: SERVICE_PORT } } }
  const objects = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named(SETTINGS), data: { ...SETTINGS_DATA, ...settings } },
    { apiVersion: 'v1', kind: 'Service', metadata: named(SERVICE), spec: { ports: [{ port: SERVICE_PORT, targetPort: backendPort }] } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: named(SECRET),
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate.certificate, 'tls.key': certificate.key },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: named(SERVICE),
      spec: {
        tls: [{ hosts: [HOST], secretName: SECRET }],
        rules: [{ host: HOST, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      },
    },
  ]
  return objects.map((object) => JSON.stringify(object)).join('\n---\n')
}

function endpointSlice({ backendPort }: OursOptions, addresses: readonly string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...named(SERVICE), labels: { 'kubernetes.io/service-name': SERVICE } },
    addressType: 'IPv4',
    ports: [{ port: backendPort, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  }
}
