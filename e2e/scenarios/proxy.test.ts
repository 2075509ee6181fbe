/** The kind Proxy in a real cluster, from `kubectl apply` to the answer of a backend. */

import { after, test } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { startController, variantUnderTest } from './controller.ts'
import { proxyOf, toService } from './proxy-objects.ts'
import { destination } from './semantics/routing.ts'
import { startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const controller = await startController(lab)
await startEcho(lab, 'one')
await startEcho(lab, 'two')

test('what is applied is served', async () => {
  await lab.apply(proxyOf('first', toService('one', 'first.example')))
  await lab.waitFor('the route', async () => await destination(controller, 'first.example', '/any') === 'one')
})
