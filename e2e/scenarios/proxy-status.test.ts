/** The status of a Proxy: what it says, when it changes, and that nothing is left of what was deleted. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CoreV1Event, V1Condition } from '@kubernetes/client-node'
import type { KubernetesObject } from '../lab/client.ts'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { serviceOf } from '../lab/testing.ts'
import { startController, variantUnderTest } from './controller.ts'
import { PROXY, proxyOf, toService } from './proxy-objects.ts'
import { destination } from './semantics/routing.ts'
import { startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const ROUNDS = 30

const controller = await startController(lab)
await startEcho(lab, 'one')

type Proxy = KubernetesObject & { readonly status?: { readonly conditions?: readonly V1Condition[] } }
type Conditions = Readonly<Record<string, V1Condition>>

/** The conditions by type, once they are about the present spec. */
async function conditions(name: string, holds: (conditions: Conditions) => boolean = () => true): Promise<Conditions> {
  const proxy = await lab.waitForObject<Proxy>(PROXY, { namespace: 'default', name }, ({ metadata, status }) => {
    const all = status?.conditions ?? []
    const isCurrent = all.length === 3 && all.every((it) => it.observedGeneration === metadata?.generation)
    return isCurrent && holds(byType(all))
  })
  return byType(proxy.status?.conditions ?? [])
}

function byType(all: readonly V1Condition[]): Conditions {
  return Object.fromEntries(all.map((condition) => [condition.type, condition]))
}

function words(all: Conditions): string {
  return Object.values(all).map(({ type, status, reason }) => `${type}=${status}/${reason}`).sort().join(' ')
}

test('a Proxy that is served says so, for each generation of its spec', async () => {
  await lab.apply(proxyOf('good', toService('one', 'good.example')))
  const first = await conditions('good')
  assert.equal(words(first), 'Accepted=True/Accepted Programmed=True/Programmed ResolvedRefs=True/ResolvedRefs')
  assert.equal(await destination(controller, 'good.example'), 'one')
  await lab.apply(proxyOf('good', toService('one', 'better.example')))
  const second = await conditions('good', ({ Programmed }) => Programmed?.observedGeneration === 2)
  assert.deepEqual(
    Object.values(second).map(({ lastTransitionTime }) => lastTransitionTime),
    Object.values(first).map(({ lastTransitionTime }) => lastTransitionTime),
  )
  assert.equal(await destination(controller, 'better.example'), 'one')
})

test('a Service that is missing is said in a condition and an Event, until it is there', async () => {
  await lab.apply(proxyOf('waiting', toService('later', 'waiting.example')))
  const { ResolvedRefs, Programmed } = await conditions('waiting', (all) => all['ResolvedRefs']?.status === 'False')
  assert.match(ResolvedRefs?.message ?? '', /later/)
  // It answers 503, and does so everywhere.
  assert.equal(Programmed?.status, 'True')
  await lab.waitFor('the Event', async () => {
    const events = await lab.client.list<CoreV1Event & object>('v1/Event', { namespace: 'default' })
    return events.some(({ involvedObject, reason }) =>
      involvedObject.kind === 'Proxy' && involvedObject.name === 'waiting' && reason === ResolvedRefs?.reason)
  })
  await lab.apply({ ...serviceOf('later'), spec: { ports: [{ port: 80 }], selector: { app: 'one' } } } as object)
  const resolved = await conditions('waiting', (all) => all['ResolvedRefs']?.status === 'True')
  assert.equal(words(resolved), 'Accepted=True/Accepted Programmed=True/Programmed ResolvedRefs=True/ResolvedRefs')
})

test('a Proxy that is deleted and made again at speed leaves no ghosts', async () => {
  const host = (round: number): string => `round-${round}.example`
  for (let round = 0; round < ROUNDS; round++) {
    await lab.client.delete(PROXY, { namespace: 'default', name: 'ghost' })
    await lab.apply(proxyOf('ghost', toService('one', host(round))))
  }
  const all = await conditions('ghost')
  assert.equal(all['Programmed']?.status, 'True')
  assert.equal(await destination(controller, host(ROUNDS - 1)), 'one')
  const records = Object.keys(await controller.digests()).filter((key) => key.includes('round-'))
  assert.deepEqual(records, [`host/default/${host(ROUNDS - 1)}`])
  await lab.client.delete(PROXY, { namespace: 'default', name: 'ghost' })
  await lab.waitFor('its end', async () => await destination(controller, host(ROUNDS - 1)) === 404)
})
