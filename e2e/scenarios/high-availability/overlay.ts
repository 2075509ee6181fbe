/** One overlay of `manifests/` in the lab, as `kubectl apply -k` makes it, and its replicas. */

import { join } from 'node:path'
import type { V1DaemonSet, V1Deployment, V1Pod } from '@kubernetes/client-node'
import type { KubernetesObject } from '../../lab/client.ts'
import type { Lab } from '../../lab/lab.ts'
import { readKustomization } from '../../lab/manifests.ts'
import { REPOSITORY } from '../../lab/tools.ts'
import { Controller } from '../controller.ts'

export const NAMESPACE = 'resty-ingress'
const NAME = 'resty-ingress'
/** What an overlay may have of its own. */
const WORKLOADS = ['apps/v1/Deployment', 'apps/v1/DaemonSet']
const OWN_KINDS = [...WORKLOADS, 'v1/Service', 'policy/v1/PodDisruptionBudget']
/**
 * Shorter than by default, since the balancers of the tests are quick; longer than the five seconds for which those who
 * tell them (control plane, agent) may stand still: new connections come to a pod until then.
 */
const GRACE_SECONDS = 6
const MIN_READY_SECONDS = 1
/** One pod after the other ends and starts, each of which a busy machine may take most of a minute for. */
const ROLLOUT_TIMEOUT_MS = 300_000

type Workload = KubernetesObject & (V1Deployment | V1DaemonSet)

/** Applies the overlay and waits until all of its pods are ready. */
export async function installOverlay(lab: Lab, name: string): Promise<void> {
  const objects = await readKustomization(join(REPOSITORY, 'manifests', name))
  for (const object of objects) if (isWorkload(object)) shorten(object)
  await lab.apply(objects)
  await rolledOut(lab)
}

/** Takes away what other overlays do not have; what all have in common stays. */
export async function removeOverlay(lab: Lab): Promise<void> {
  for (const kind of OWN_KINDS) await lab.client.delete(kind, { namespace: NAMESPACE, name: NAME })
  await lab.waitFor('the end of all pods', async () => {
    const pods = await lab.client.list<V1Pod & object>('v1/Pod', { namespace: NAMESPACE })
    // Nobody is served any more.
    const forced = { gracePeriodSeconds: 0 }
    for (const { metadata } of pods) {
      await lab.client.delete('v1/Pod', { namespace: NAMESPACE, name: metadata?.name ?? '' }, forced)
    }
    return pods.length === 0
  })
}

function isWorkload(object: KubernetesObject): object is Workload {
  return WORKLOADS.includes(`${object.apiVersion}/${object.kind}`)
}

function shorten({ spec }: Workload): void {
  if (spec === undefined) return
  if (spec.minReadySeconds !== undefined) spec.minReadySeconds = MIN_READY_SECONDS
  for (const container of spec.template.spec?.containers ?? []) {
    container.args = (container.args ?? []).map((text) =>
      text.replace(/^(--shutdown-grace-period=).*/, `$1${GRACE_SECONDS}`))
    for (const variable of container.env ?? []) {
      if (variable.name === 'RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD') variable.value = String(GRACE_SECONDS)
    }
  }
}

/** The replicas, one for each ready pod, in the order of their nodes. */
export async function replicas(lab: Lab): Promise<Controller[]> {
  const pods = await lab.pods(NAMESPACE)
  const byNode = pods.toSorted((a, b) => (a.spec?.nodeName ?? '') < (b.spec?.nodeName ?? '') ? -1 : 1)
  return byNode.map(({ metadata, status }) =>
    new Controller(lab, { namespace: NAMESPACE, pod: metadata?.name ?? '' }, status?.podIP ?? ''))
}

/** Also those that are about to end. */
export async function podNames(lab: Lab): Promise<string[]> {
  const pods = await lab.client.list<V1Pod & object>('v1/Pod', { namespace: NAMESPACE })
  return pods.map(({ metadata }) => metadata?.name ?? '')
}

/** A new version of the pods. Resolves when all of them are ready and no old one is left. */
export async function rollingUpdate(lab: Lab): Promise<void> {
  const before = await podNames(lab)
  const { kind, apiVersion } = await workload(lab)
  const template = { metadata: { annotations: { version: `after ${before.join()}` } } }
  await lab.client.patch(`${apiVersion}/${kind}`, { namespace: NAMESPACE, name: NAME }, { spec: { template } })
  await rolledOut(lab)
  await lab.waitFor('the end of the old pods', async () => {
    const now = await podNames(lab)
    return before.every((pod) => !now.includes(pod))
  })
}

/** Waits until all pods that there should be are up to date and ready. */
export async function rolledOut(lab: Lab): Promise<void> {
  await lab.waitFor('all replicas', async () => {
    const { metadata, spec, status } = await workload(lab)
    if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return false
    const counts = wantedAndReady(spec, status)
    return counts.every((count = 0) => count > 0 && count === counts[0])
  }, { timeoutMs: ROLLOUT_TIMEOUT_MS })
}

function wantedAndReady(spec: Workload['spec'], status: Workload['status']): (number | undefined)[] {
  if (spec !== undefined && 'replicas' in spec) {
    const { replicas: all, updatedReplicas, availableReplicas } = (status ?? {}) as NonNullable<V1Deployment['status']>
    return [spec.replicas, all, updatedReplicas, availableReplicas]
  }
  const { desiredNumberScheduled, updatedNumberScheduled, numberAvailable } =
    (status ?? {}) as NonNullable<V1DaemonSet['status']>
  return [desiredNumberScheduled, updatedNumberScheduled, numberAvailable]
}

async function workload(lab: Lab): Promise<Workload> {
  for (const kind of WORKLOADS) {
    const found = await lab.client.find<Workload>(kind, { namespace: NAMESPACE, name: NAME })
    if (found !== undefined) return found
  }
  throw new Error('there is no workload')
}
