/** Two replicas: one of them writes, whatever becomes of it. The apiserver's own log tells who wrote what. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { V1Ingress } from '@kubernetes/client-node'
import type { Write } from '../lab/audit.ts'
import { enterLab } from '../lab/enter.ts'
import type { Target } from '../lab/faults.ts'
import { startLab } from '../lab/lab.ts'
import { REPOSITORY } from '../lab/tools.ts'
import { variantUnderTest } from './controller.ts'
import { installReplicas } from './installation.ts'
import { lastingLeader, leaderOf } from './leader.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const NAMESPACE = 'two'
const INGRESS = 'networking.k8s.io/v1/Ingress'
/** What one replica at a time may write. A lease is for each to try. */
const OUTPUT = new Set(['ingresses/status', 'events'])

await lab.apply(await readFile(join(REPOSITORY, 'manifests/base/ingress-class.yaml'), 'utf8'))
await installReplicas(lab, NAMESPACE, { replicas: 2, args: ['--shutdown-grace-period=0'] })
await startEcho(lab, 'echo')

async function holder(): Promise<string> {
  return await leaderOf(lab, NAMESPACE)
}

async function anotherHolder(before: string): Promise<string> {
  return await lab.waitFor('another leader', async () => {
    const now = await holder()
    return now !== before && now
  })
}

function sidecarOf(pod: string): Target {
  return { namespace: NAMESPACE, pod, container: 'sidecar' }
}

async function addresses(name: string): Promise<readonly string[]> {
  const ingress = await lab.client.get<V1Ingress & object>(INGRESS, { namespace: 'default', name })
  return (ingress.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
}

/** An Ingress with something to report, so that both status and an Event are due. */
async function addIngress(name: string): Promise<void> {
  const annotations = { 'nginx.ingress.kubernetes.io/unheard-of': name }
  await lab.apply(ingressOf(name, { annotations, rules: [{ host: `${name}.example`, service: 'echo' }] }))
}

/** Resolves when status and Event of this Ingress have been written, and the log has both: it is a moment late. */
async function written(name: string): Promise<void> {
  await lab.waitFor(`the status of ${name}`, async () => (await addresses(name)).length > 0)
  await lab.waitFor(`both writes to ${name}`, async () => {
    const all = await lab.writes()
    return all.some((write) => write.resource === 'events' && write.name.startsWith(`${name}.`))
      && all.some((write) => write.resource === 'ingresses/status' && write.name === name)
  })
}

/** What was written of status and Events after so many writes. */
async function output(since = 0): Promise<Write[]> {
  return (await lab.writes()).slice(since).filter(({ resource }) => OUTPUT.has(resource))
}

/** Fails with what others than this pod have written after so many writes, or tried to. */
async function assertOnlyWriter(pod: string, since = 0): Promise<void> {
  const all = await output(since)
  assert.ok(all.length > 0)
  assert.deepEqual(all.filter((write) => write.pod !== pod), [])
}

/** When the leader that came after `before` got its lease and wrote its first output, in seconds after `from`. */
async function report(before: string, from: Date): Promise<string> {
  const all = (await lab.writes()).filter((write) => write.time > from && write.pod !== before && write.status < 300)
  const after = (resource: (write: Write) => boolean): string => {
    const first = all.find(resource)
    return first === undefined ? 'never' : `${((first.time.getTime() - from.getTime()) / 1000).toFixed(1)} s`
  }
  return `lease after ${after(({ resource }) => resource === 'leases')}, output after ${after(({ resource }) => OUTPUT.has(resource))}`
}

test('of two replicas one writes status and Events', async () => {
  await addIngress('first')
  await written('first')
  await assertOnlyWriter(await holder())
})

test('a leader that is killed is replaced, and all that differs is written', async (context) => {
  const before = await holder()
  const from = new Date()
  const pid = lab.processId(sidecarOf(before)) ?? assert.fail('the leader does not run')
  await lab.client.delete('v1/Pod', { namespace: NAMESPACE, name: before }, { gracePeriodSeconds: 0 })
  // What it wrote in its last moment is its own.
  await lab.waitFor('its end', () => !existsSync(`/proc/${pid}`))
  const seen = (await lab.writes()).length
  await addIngress('killed')
  const now = await anotherHolder(before)
  await written('killed')
  await assertOnlyWriter(now, seen)
  context.diagnostic(`killed: ${await report(before, from)}`)
  await lab.waitForDeployment(NAMESPACE, 'resty-ingress')
})

interface Isolation {
  readonly begin: (pod: Target) => unknown
  readonly end: (pod: Target) => unknown
}

const ISOLATIONS: Readonly<Record<string, Isolation>> = {
  frozen: { begin: (pod) => lab.faults.freeze(pod), end: (pod) => lab.faults.thaw(pod) },
  'cut off': { begin: (pod) => lab.faults.disconnect(pod), end: (pod) => lab.faults.connect(pod) },
}

for (const [what, { begin, end }] of Object.entries(ISOLATIONS)) {
  test(`a leader that is ${what} past its lease writes nothing when it comes back`, async (context) => {
    const name = what.replace(' ', '-')
    const before = await holder()
    const from = new Date()
    const seen = (await lab.writes()).length
    // In the middle of its work: both are under way when it stops.
    await addIngress(`${name}-early`)
    await begin(sidecarOf(before))
    const now = await anotherHolder(before)
    await addIngress(`${name}-late`)
    for (const each of ['early', 'late']) await written(`${name}-${each}`)
    context.diagnostic(`${what}: ${await report(before, from)}`)
    const change = (await lab.writes()).length
    await end(sidecarOf(before))
    // It is back when it sees the changes of now; the other one still writes.
    await addIngress(`${name}-after`)
    await written(`${name}-after`)
    await lab.waitFor('it follows again', async () => {
      const logs = await lab.logs(sidecarOf(before))
      return logs.includes(`"name":"${name}-after"`)
    })
    await assertOnlyWriter(now, change)
    const leases = (await lab.writes()).slice(seen).filter(({ resource, status }) => resource === 'leases' && status < 300)
    const takeover = leases.findIndex(({ pod }) => pod === now)
    assert.ok(leases.slice(takeover).every(({ pod }) => pod === now), 'the lease stays where it is')
  })
}

test('a leader that is shut down gives its lease back, and the next one has nothing to write', async (context) => {
  const before = await holder()
  const from = new Date()
  const seen = (await lab.writes()).length
  await lab.client.delete('v1/Pod', { namespace: NAMESPACE, name: before })
  const now = await anotherHolder(before)
  assert.notEqual(now, '')
  context.diagnostic(`shut down: ${await report(before, from)}`)
  await lab.waitForDeployment(NAMESPACE, 'resty-ingress')
  const statuses = (await output(seen)).filter(({ resource }) => resource === 'ingresses/status')
  assert.deepEqual(statuses, [])
})

test('status is taken back with the last replica, not before', async () => {
  const names = ['first', 'killed']
  const scale = async (replicas: number): Promise<void> => {
    await lab.client.patch('apps/v1/Deployment', { namespace: NAMESPACE, name: 'resty-ingress' }, { spec: { replicas } })
    await lab.waitFor(`${replicas} pods`, async () =>
      (await lab.client.list('v1/Pod', { namespace: NAMESPACE })).length === replicas)
  }
  await scale(1)
  for (const name of names) assert.equal((await addresses(name)).length, 1)
  await lastingLeader(lab, NAMESPACE)
  await scale(0)
  for (const name of names) assert.deepEqual(await addresses(name), [])
})
