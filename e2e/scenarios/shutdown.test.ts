/** Our own Deployment rolls, under load: nobody notices. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import type { Load } from '../load/load.ts'
import { ConnectionBalancer } from './connection-balancer.ts'
import { startController, variantUnderTest } from './controller.ts'
import { Download, Upload } from './exchange.ts'
import { ask } from './http.ts'
import { assertNothingLost, underLoad } from './traffic.ts'
import { ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const NAMESPACE = 'resty-ingress'
const HOST = 'echo.example'
/** A balancer that is slow to notice: well within the grace period. */
const LAG_MS = 3000
/** More than sockets, NGINX and the client hold on the way. */
const DOWNLOAD_BYTES = 64 * 1024 * 1024

const controller = await startController(lab)
await startEcho(lab, 'echo', { replicas: 2 })
await lab.apply(ingressOf('echo', { rules: [{ host: HOST, service: 'echo' }] }))
await lab.waitFor('the route', async () => (await ask({ address: controller.address, host: HOST })).status === 200)

/** Also those that are about to end. */
async function podNames(): Promise<string[]> {
  const pods = await lab.client.list<V1Pod & object>('v1/Pod', {
    namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/name=resty-ingress',
  })
  return pods.map(({ metadata }) => metadata?.name ?? '')
}

async function roll(round: number): Promise<void> {
  const template = { metadata: { annotations: { round: String(round) } } }
  await lab.client.patch('apps/v1/Deployment', { namespace: NAMESPACE, name: 'resty-ingress' }, { spec: { template } })
}

/** Resolves when every pod of before is gone, and what takes its place is ready. */
async function rolled(before: readonly string[], load: Load): Promise<void> {
  await lab.waitForDeployment(NAMESPACE, 'resty-ingress')
  await lab.waitFor('the end of the old pods', async () => {
    const now = await podNames()
    return before.every((name) => !now.includes(name))
  })
  await load.more(100)
}

test('two rolling updates with one replica cost no request and no connection', async (t) => {
  const balancer = await ConnectionBalancer.start({ lab, namespace: NAMESPACE, service: 'resty-ingress', lagMs: LAG_MS })
  t.after(async () => { await balancer.close() })
  const status = await controller.status()
  const report = await underLoad({ ...balancer.endpoint, requests: [{ host: HOST }] }, async (load) => {
    for (const round of [1, 2]) {
      const before = await podNames()
      await roll(round)
      await rolled(before, load)
    }
  })
  assertNothingLost(report, status)
})

test('an upload and a download that are under way outlive their pod\'s place in the Service', async () => {
  const [pod = ''] = await podNames()
  const where = { address: lab.podAddress({ namespace: NAMESPACE, pod }), host: HOST }
  const upload = await Upload.start(where, 'begun before, ')
  const download = await Download.start(where, DOWNLOAD_BYTES)
  await roll(3)
  await lab.waitForDeployment(NAMESPACE, 'resty-ingress')
  await lab.waitFor('no new connections', async () => await ask(where).then(() => false, () => true))
  assert.equal(await upload.end('ended after'), 'begun before, ended after')
  assert.equal(await download.end(), DOWNLOAD_BYTES)
  await lab.waitFor('the end of the pod', async () => !(await podNames()).includes(pod))
})
