/** The lab with our controller from `manifests/`, and backends that answer with their own address. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubernetesObject } from '../../lab/client.ts'
import { runCommand, type Daemon } from '../../lab/command.ts'
import { enterLab } from '../../lab/enter.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { readKustomization } from '../../lab/manifests.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { findController, type Controller } from '../../scenarios/controller.ts'
import { findNginx, startNginx, TEMPORARY_PATHS, type Nginx } from '../nginx.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'

export const NAMESPACE = 'default'
export const SERVICE = 'bench'
export const PORT = 3000
/** All of its addresses answer. */
const BACKEND_RANGE = '198.19.128.0/17'
/** Three, so that an answer tells the set before from the set before that. */
export const BACKENDS: readonly string[] = ['198.19.254.1', '198.19.254.2', '198.19.254.3']

/** Replaces an EndpointSlice; tells its new resource version where that is known. */
export type Write = (slice: KubernetesObject) => Promise<string | undefined>

export interface Rig {
  readonly lab: Lab
  readonly controller: Controller
  /** Version of the NGINX that serves. */
  readonly nginx: string
  close(): Promise<void>
}

/** Becomes the same program inside the lab first: nothing that was done before is kept. */
export async function startRig({ variant }: BenchOptions): Promise<Rig> {
  if (process.getuid?.() !== 0) throw new BenchError('this benchmark makes network namespaces: run it as root (sudo)')
  await enterLab({ variant })
  const nginx = await findNginx(variant)
  const folder = await mkdtemp(join(tmpdir(), 'resty-ingress-bench-'))
  progress('starting the lab and the controller')
  const lab = await startLab({ variant, outsideOnly: true })
  const backends = await startBackends(nginx, folder)
  const close = async (): Promise<void> => {
    await backends.stop()
    await lab.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await lab.apply(withDebugLog(await readKustomization(join(REPOSITORY, 'manifests'))))
    await lab.apply(serviceOfBackends())
    const controller = await findController(lab, 'resty-ingress')
    return { lab, controller, nginx: (await controller.status()).nginx.version, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A process of this machine that answers at every address of a range, not pods: they would need its cores. */
async function startBackends(nginx: Nginx, folder: string): Promise<Daemon> {
  await runCommand(['ip', 'route', 'add', 'local', BACKEND_RANGE, 'dev', 'lo'])
  return await startNginx(nginx, 'backends', folder, `worker_processes 1;
events { worker_connections 4096; }
http {
${TEMPORARY_PATHS}    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    server {
        listen ${PORT};
        return 200 "$server_addr";
    }
}
`)
}

/** The log says when records were pushed, and how long that took. */
function withDebugLog(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  for (const object of objects) {
    if (object.kind !== 'Deployment') continue
    const { spec } = object as { spec?: { template: { spec: { containers: { name: string; args?: string[] }[] } } } }
    spec?.template.spec.containers.find(({ name }) => name === 'sidecar')?.args?.push('--log-level=debug')
  }
  return objects
}

/** Without a selector: nobody but the benchmark writes its endpoints. */
export function serviceOfBackends(): readonly KubernetesObject[] {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: SERVICE, namespace: NAMESPACE } }
  return [{ ...service, spec: { ports: [{ port: 80, targetPort: PORT }] } } as KubernetesObject, sliceOf(BACKENDS[0] ?? '')]
}

export const SLICE = 'discovery.k8s.io/v1/EndpointSlice'

/** One EndpointSlice with one address. */
export function sliceOf(address: string): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: SERVICE, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': SERVICE } },
    addressType: 'IPv4',
    ports: [{ name: '', port: PORT, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }],
  } as KubernetesObject
}
