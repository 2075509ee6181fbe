/** The controller's pod, stopped and started cold. */
import type { V1Pod } from '@kubernetes/client-node'
import type { Lab } from '../../lab/lab.ts'
import { findController, type Controller } from '../../scenarios/controller.ts'

const NAMESPACE = 'resty-ingress'
const LABEL = 'app.kubernetes.io/name=resty-ingress'
const LONGEST_MS = 300_000

/** No pod, as when the Deployment was never rolled out; its Service keeps the address. */
export async function stopController(lab: Lab): Promise<void> {
  await scaleTo(lab, 0)
  // It would wait for its load balancers first; nobody asks here.
  for (const { metadata } of await lab.client.list<V1Pod & object>('v1/Pod', { namespace: NAMESPACE, labelSelector: LABEL })) {
    await lab.client.delete('v1/Pod', { namespace: NAMESPACE, name: metadata?.name ?? '' }, { gracePeriodSeconds: 0 })
  }
  await lab.waitFor('the pod of the controller is gone', async () => {
    const pods = await lab.client.list('v1/Pod', { namespace: NAMESPACE, labelSelector: LABEL })
    return pods.length === 0
  }, { timeoutMs: LONGEST_MS })
}

export interface ColdStart {
  readonly controller: Controller
  /** `Date.now()` when the pod was asked for. */
  readonly startedAt: number
  /** Milliseconds from there until the pod is Ready, as a Service's endpoint has to be. */
  readonly ready: number
}

export async function startController(lab: Lab): Promise<ColdStart> {
  const stop = new AbortController()
  const { resourceVersion } = await lab.client.listWithVersion('v1/Pod', { namespace: NAMESPACE, labelSelector: LABEL })
  const startedAt = Date.now()
  const started = performance.now()
  await scaleTo(lab, 1)
  const scope = { namespace: NAMESPACE, labelSelector: LABEL, resourceVersion }
  for await (const { object } of lab.client.watch<V1Pod & object>('v1/Pod', scope, AbortSignal.any([stop.signal, AbortSignal.timeout(LONGEST_MS)]))) {
    if (isReady(object)) break
  }
  const ready = performance.now() - started
  stop.abort()
  return { controller: await findController(lab, NAMESPACE), startedAt, ready }
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

async function scaleTo(lab: Lab, replicas: number): Promise<void> {
  const name = { namespace: NAMESPACE, name: 'resty-ingress' }
  await lab.client.patch('apps/v1/Deployment', name, { spec: { replicas } }, 'scale')
}
