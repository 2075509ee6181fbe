/** What an Ingress means, through the whole of it: one lab, many small questions. */

import { after } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { startController, variantUnderTest } from './controller.ts'
import { testPages } from './semantics/pages.ts'
import { testRouting } from './semantics/routing.ts'
import { startEcho } from './workload.ts'

const variant = variantUnderTest()
await enterLab({ variant })
const lab = await startLab({ variant })
after(async () => { await lab.close() })

const controller = await startController(lab)
await startEcho(lab, 'one')
await startEcho(lab, 'two')

testRouting(controller)
testPages(controller)
