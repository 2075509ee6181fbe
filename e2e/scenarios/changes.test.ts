import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { followEndpoints } from '../load/follow.ts'
import { assertNoFailures, startLoad } from '../load/load.ts'
import { startController, variantUnderTest } from './controller.ts'
import { ask } from './http.ts'
import { echoOf, ingressOf, startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const namespace = 'default'
const controller = await startController(lab)
const { address } = controller

/** A generous bound for a busy machine; the benchmark has the real one. */
const STALE_MS = 2000

test('nothing is lost while a Deployment scales and rolls, and nothing reloads', async () => {
  await startEcho(lab, 'echo', { replicas: 3 })
  await lab.apply(ingressOf('echo', { rules: [{ host: 'echo.example', service: 'echo' }] }))
  await lab.waitFor('the route', async () => (await ask({ address, host: 'echo.example' })).status === 200)
  const before = await controller.generation()

  const load = await startLoad({
    address, port: 80, requests: [{ host: 'echo.example', group: 'echo' }], rate: 100, connections: 4, staleMs: STALE_MS,
  })
  const unfollow = await followEndpoints(load, lab.client, { namespace, name: 'echo' })
  for (const replicas of [10, 2]) {
    await lab.client.patch('apps/v1/Deployment', { namespace, name: 'echo' }, { spec: { replicas } })
    await lab.waitForDeployment(namespace, 'echo')
    await load.more(500)
  }
  await lab.apply(echoOf('echo', { replicas: 2, version: '2' }))
  await lab.waitForDeployment(namespace, 'echo')
  await lab.waitFor('the end of the old pods', async () => (await lab.client.list('v1/Pod', { namespace })).length === 2)
  await load.more(500)
  await unfollow()

  const report = await load.stop()
  assertNoFailures(report)
  // 3, 7 more, and 2 of the new version.
  assert.equal(Object.keys(report.answersByPod).length, 12)
  assert.deepEqual(await controller.generation(), before)
})
