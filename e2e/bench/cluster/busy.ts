/** Changes of endpoints while a thousand others stream each second: how late they are, and what each costs. */
import type { V1Deployment } from '@kubernetes/client-node'
import { join } from 'node:path'
import type { KubernetesObject } from '../../lab/client.ts'
import { readKustomization } from '../../lab/manifests.ts'
import { OUTSIDE_ADDRESS } from '../../lab/network.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { ingressOf } from '../../scenarios/workload.ts'
import { BenchError } from '../options.ts'
import { progress } from '../progress.ts'
import { startController, stopController } from '../scale/pod.ts'
import { each } from '../scale/populate.ts'
import { cpuTime } from '../traffic/cpu.ts'
import { ChangeMeter, HOST } from './change-meter.ts'
import { crowd, SERVICES } from './crowd.ts'
import { SERVICE, serviceOfBackends, type Rig, type Write } from './rig.ts'
import { EndpointStream } from './stream.ts'

/** Changes a second. */
export const RATE = 1000
const RUN = { namespace: 'resty-ingress', name: 'resty-ingress' }
/** What of our manifests the sidecar reads. */
const READ_KINDS = ['IngressClass', 'ConfigMap']

export interface Busy {
  readonly api: 'apiserver' | 'stand-in'
  readonly workers: number
  /** Changes a second that were written. */
  readonly rate: number
  /** Milliseconds until every request goes by a change: while nothing else changes, and while all streams. */
  readonly quiet: readonly number[]
  readonly busy: readonly number[]
  /** Milliseconds of CPU of the sidecar for a change. */
  readonly cpu: number
}

/** Against the real apiserver: as many changes a second as it takes. Leaves the Services. */
export async function busyApiserver(rig: Rig, changes: number): Promise<Busy> {
  progress(`writing ${SERVICES} Services and their endpoints`)
  const objects = crowd()
  await each(0, objects.length, async (index) => { await rig.lab.client.create(objects[index] ?? {}) })
  await backendsArePushed(rig)
  const stream = await EndpointStream.open({ credentials: rig.lab.credentials })
  try {
    const write: Write = async (slice) => (await rig.lab.client.replace(slice)).metadata?.resourceVersion
    return { api: 'apiserver', ...await measure(rig, { stream, write, changes }) }
  } finally {
    await stream.close()
  }
}

/** The same pod reads from a stand-in for the apiserver, once for each number of workers. */
export async function busyStandIn(rig: Rig, workers: readonly number[], changes: number): Promise<Busy[]> {
  const stream = await EndpointStream.open({ host: OUTSIDE_ADDRESS, objects: await standInObjects() })
  try {
    const write: Write = async (slice) => { await stream.write(slice); return undefined }
    const results: Busy[] = []
    await stopController(rig.lab)
    await readFrom(rig, stream.url)
    for (const count of workers) {
      progress(`${count} workers, a stand-in for the apiserver`)
      await stream.write(configMap({ 'worker-processes': String(count) }))
      const { controller } = await startController(rig.lab)
      const fresh = { ...rig, controller }
      await backendsArePushed(fresh)
      results.push({ api: 'stand-in', ...await measure(fresh, { stream, write, changes }) })
      await stopController(rig.lab)
    }
    return results
  } finally {
    await stream.close()
  }
}

interface Work {
  readonly stream: EndpointStream
  readonly write: Write
  readonly changes: number
}

async function measure(rig: Rig, { stream, write, changes }: Work): Promise<Omit<Busy, 'api'>> {
  const sidecar = rig.lab.processId(rig.controller.sidecar)
  if (sidecar === undefined) throw new BenchError('the sidecar does not run')
  const meter = await ChangeMeter.open(rig, write)
  try {
    const quiet = await meter.measure(changes)
    stream.start(RATE)
    const before = await cpuTime(sidecar)
    const busy = await meter.measure(changes)
    const after = await cpuTime(sidecar)
    const streamed = await stream.stop()
    return {
      workers: (await rig.controller.status()).worker_count,
      rate: streamed.changes / streamed.seconds,
      quiet: quiet.map(({ served }) => served),
      busy: busy.map(({ served }) => served),
      cpu: (after - before) / 1000 / streamed.changes,
    }
  } finally {
    meter.close()
  }
}

async function backendsArePushed({ lab, controller }: Rig): Promise<void> {
  await lab.waitFor('every Service is a backend', async () => {
    const keys = Object.keys(await controller.digests())
    return keys.filter((key) => key.startsWith('backend/')).length > SERVICES
  }, { timeoutMs: 120_000 })
}

async function standInObjects(): Promise<KubernetesObject[]> {
  const ours = (await readKustomization(join(REPOSITORY, 'manifests'))).filter(({ kind }) => READ_KINDS.includes(kind ?? ''))
  const measured = ingressOf(SERVICE, { rules: [{ host: HOST, service: SERVICE }] })
  return [...ours, ...crowd(), ...serviceOfBackends(), measured]
}

function configMap(data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: RUN, data } as KubernetesObject
}

async function readFrom({ lab }: Rig, url: string): Promise<void> {
  const deployment = await lab.client.get<V1Deployment & KubernetesObject>('apps/v1/Deployment', RUN)
  const sidecar = deployment.spec?.template.spec?.containers.find(({ name }) => name === 'sidecar')
  if (sidecar === undefined) throw new BenchError('the Deployment has no container named sidecar')
  sidecar.args = [...sidecar.args ?? [], `--apiserver-host=${url}`]
  await lab.client.replace(deployment)
}

