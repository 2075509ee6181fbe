/** Parts of the whole die, under load: the sidecar, the apiserver, OpenResty. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { enterLab } from '../lab/enter.ts'
import type { Target } from '../lab/faults.ts'
import { startLab } from '../lab/lab.ts'
import { serviceOf } from '../lab/testing.ts'
import { assertNoFailures, describeFailure } from '../load/load.ts'
import { startController, variantUnderTest } from './controller.ts'
import { ask, askEcho } from './http.ts'
import { seconds, underLoad } from './traffic.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const OUTAGE_SECONDS = 30
const NEIGHBOURS = 30

const controller = await startController(lab)
// Of the pod: a load balancer leaves out a pod of which a container is away, and there is no other one.
const address = controller.podAddress
const HOST = 'echo.example'
const requests = [{ host: HOST }]

await startEcho(lab, 'echo', { replicas: 2 })
await addRoute('echo')
for (let index = 0; index < NEIGHBOURS; index++) await lab.apply(routeOf(`neighbour-${index}`))
await waitForRoute(`neighbour-${NEIGHBOURS - 1}`)
const pods = new Set<string>()
await lab.waitFor('both endpoints', async () => pods.add((await askEcho({ address, host: HOST })).pod).size === 2)

function routeOf(name: string): object {
  return ingressOf(name, { rules: [{ host: `${name}.example`, service: 'echo' }] })
}

async function addRoute(name: string): Promise<void> {
  await lab.apply(routeOf(name))
  await waitForRoute(name)
}

async function waitForRoute(name: string): Promise<void> {
  await lab.waitFor(`the route ${name}`, async () => await statusOf(name) === 200)
}

/** 0: no answer. */
async function statusOf(name: string): Promise<number> {
  return await ask({ address, host: `${name}.example` }).then(({ status }) => status, () => 0)
}

/** Endpoints by hand, so that no controller of the control plane has a part in when they change. */
async function pointTo(service: string, pod: V1Pod | undefined): Promise<void> {
  await lab.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 3000, protocol: 'TCP' }],
    endpoints: [{ addresses: [pod?.status?.podIP ?? ''], conditions: { ready: true } }],
  } as object)
}

/** Digest of each key that is another one now, or gone, or new. */
function differences(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...keys].filter((key) => before[key] !== now[key]).sort()
}

async function restarts({ namespace, pod, container }: Target): Promise<number> {
  const { status } = await lab.client.get<V1Pod & object>('v1/Pod', { namespace, name: pod })
  return status?.containerStatuses?.find(({ name }) => name === container)?.restartCount ?? 0
}

async function podIsReady(): Promise<boolean> {
  const { namespace, pod } = controller.sidecar
  const { status } = await lab.client.get<V1Pod & object>('v1/Pod', { namespace, name: pod })
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
}

test('the sidecar is killed: traffic goes on, and it pushes only what differs when it is back', async () => {
  const before = await controller.generation()
  const digests = await controller.digests()
  const report = await underLoad({ address, requests }, async (load) => {
    const killed = await restarts(controller.sidecar)
    lab.faults.kill(controller.sidecar)
    await lab.apply(routeOf('while-away'))
    await lab.waitFor('another sidecar', async () => await restarts(controller.sidecar) > killed)
    await waitForRoute('while-away')
    await lab.waitFor('readiness', podIsReady)
    await load.more(300)
  })
  assertNoFailures(report)
  assert.deepEqual(await controller.generation(), before)
  // The self-signed certificate of the default is made anew at each start.
  const changed = differences(digests, await controller.digests()).filter((key) => key !== 'certificate/default')
  assert.deepEqual(changed, ['host/default/while-away.example'])
  const pushed = Number(/^resty_ingress_pushed_records_total (\d+)$/m.exec(await controller.metrics())?.[1])
  assert.ok(pushed >= 1 && pushed <= 2, `${pushed} records were pushed`)
})

test('the apiserver is away for 30 s: traffic goes on, and changes arrive afterwards', async () => {
  const [first, second] = await lab.pods('default', 'app=echo')
  const { selector: _none, ...spec } = { ...serviceOf('by-hand') as { spec: { selector: object } } }.spec
  await lab.apply({ ...serviceOf('by-hand'), spec } as object)
  await pointTo('by-hand', first)
  await lab.apply(ingressOf('by-hand', { rules: [{ host: 'by-hand.example', service: 'by-hand' }] }))
  await waitForRoute('by-hand')
  const before = await controller.generation()

  const report = await underLoad({ address, requests: [...requests, { host: 'by-hand.example' }] }, async () => {
    await lab.faults.stopApiserver()
    await seconds(OUTAGE_SECONDS)
    await lab.faults.startApiserver()
    await addRoute('after-outage')
    await pointTo('by-hand', second)
    await lab.waitFor('the other pod', async () =>
      (await askEcho({ address, host: 'by-hand.example' })).pod === second?.metadata?.name)
  })

  assertNoFailures(report)
  assert.deepEqual(await controller.generation(), before)
  assert.equal(await restarts(controller.sidecar), 1)
})

test('OpenResty is killed: it comes back whole, and takes changes', async () => {
  const { instance } = await controller.status()
  const digests = await controller.digests()
  const killed = await restarts(controller.openresty)
  lab.faults.kill(controller.openresty)
  await lab.waitFor('another OpenResty', async () => await restarts(controller.openresty) > killed)
  await waitForRoute('echo')
  await waitForRoute('neighbour-0')
  // What its file of records does not have yet the sidecar brings.
  await lab.waitFor('all of its records', async () => differences(digests, await controller.digests()).length === 0)
  await addRoute('after-kill')
  await lab.waitFor('readiness', podIsReady)
  assert.notEqual((await controller.status()).instance, instance)
  const report = await underLoad({ address, requests }, async () => {})
  assertNoFailures(report)
})

test('OpenResty starts alone, while the sidecar stands still: it serves what it served', async () => {
  const { instance } = await controller.status()
  lab.faults.freeze(controller.sidecar)
  try {
    lab.faults.kill(controller.openresty)
    await lab.waitFor('another OpenResty', async () =>
      await controller.status().then((status) => status.instance !== instance, () => false))
    await waitForRoute(`neighbour-${NEIGHBOURS - 1}`)
    const { restored } = await controller.status()
    assert.ok(restored !== undefined && 'records' in restored && restored.records > NEIGHBOURS, JSON.stringify(restored))
    assertNoFailures(await underLoad({ address, requests }, async () => {}))
  } finally {
    lab.faults.thaw(controller.sidecar)
  }
  await addRoute('after-thaw')
})

test('the master is killed under load: only its requests are lost, for as long as it is away', async () => {
  const report = await underLoad({ address, requests }, async (load) => {
    const { instance } = await controller.status()
    await lab.exec(controller.openresty, ['sh', '-c', 'kill -KILL $(cat /run/resty-ingress/nginx.pid)'])
    await lab.waitFor('another OpenResty', async () =>
      await controller.status().then((status) => status.instance !== instance, () => false))
    await waitForRoute('echo')
    await load.more(300)
  })
  const kinds = new Set(report.failures.map(({ kind }) => kind))
  for (const kind of kinds) assert.ok(kind === 'reset' || kind === 'refused', report.failures.map(describeFailure).join('\n'))
  await lab.waitFor('readiness', podIsReady)
})

test('a worker is killed: another one takes its place with all it knew', async () => {
  const { workers } = await controller.generation()
  const [victim = 0] = workers
  await lab.exec(controller.openresty, ['sh', '-c', `kill -KILL ${victim}`])
  await lab.waitFor('as many workers as before, without the one', async () => {
    const now = (await controller.generation()).workers
    return now.length === workers.length && !now.includes(victim)
  })
  const report = await underLoad({ address, requests }, async () => { await addRoute('after-worker') })
  assertNoFailures(report)
})
