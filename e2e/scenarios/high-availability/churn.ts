/** Random changes of users' objects, the same ones for each seed. */

import type { Lab } from '../../lab/lab.ts'
import { deploymentOf, serviceOf } from '../../lab/testing.ts'
import { ingressOf, type Ingress } from '../workload.ts'

const NAMES = 12
const PATHS = ['/', '/a', '/b']

/** Deterministic, in 0 <= x < 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ANNOTATIONS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'nginx.ingress.kubernetes.io/proxy-body-size': '8m' },
  { 'nginx.ingress.kubernetes.io/proxy-body-size': '9m' },
  { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '7' },
  { 'nginx.ingress.kubernetes.io/affinity': 'cookie' },
  { 'nginx.ingress.kubernetes.io/load-balance': 'ewma' },
]

/** So many changes of Ingresses, Services and the number of their pods, from several writers at once. */
export async function churn(lab: Lab, seed: number, changes: number): Promise<void> {
  const next = random(seed)
  const below = (limit: number): number => Math.floor(next() * limit)
  await lab.apply([deploymentOf('churn', { replicas: 2 }), ...[0, 1, 2].map((index) => serviceFor(index))])
  const steps = Array.from({ length: changes }, () => ({ what: below(10), name: below(NAMES), value: below(1000) }))
  await Promise.all([0, 1, 2].map(async (writer) => {
    // Each writer has objects of its own: their last state does not depend on who was faster.
    for (const step of steps.filter(({ name }) => name % 3 === writer)) await change(lab, step)
  }))
}

interface Step {
  readonly what: number
  readonly name: number
  readonly value: number
}

async function change(lab: Lab, { what, name, value }: Step): Promise<void> {
  if (what < 6) await lab.apply(ingressFor(name, value))
  else if (what < 8) await lab.delete(ingressFor(name, value))
  else if (name % 3 === 0) {
    const spec = { replicas: 1 + value % 4 }
    await lab.client.patch('apps/v1/Deployment', { namespace: 'default', name: 'churn' }, { spec })
  } else await lab.apply(serviceFor(name % 3))
}

function serviceFor(index: number): object {
  const service = serviceOf(`churn-${index}`) as { spec: { selector: object } }
  return { ...service, spec: { ...service.spec, selector: { app: 'churn' } } }
}

/** Hosts are fewer than Ingresses, so that there are conflicts, which the age of an object decides. */
function ingressFor(name: number, value: number): Ingress {
  return ingressOf(`churn-${name}`, {
    annotations: ANNOTATIONS[value % ANNOTATIONS.length] ?? {},
    rules: [{ host: `churn-${value % 5}.example`, path: PATHS[value % 3] ?? '/', service: `churn-${(name + value) % 3}` }],
  })
}
