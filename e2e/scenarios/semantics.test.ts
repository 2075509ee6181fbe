/** What an Ingress means, through the whole of it: one lab, many small questions. */

import { after } from 'node:test'
import { enterLab } from '../lab/enter.ts'
import { startLab } from '../lab/lab.ts'
import { startController, variantUnderTest } from './controller.ts'
import { testBackends } from './semantics/backends.ts'
import { testBalancing, testRestart } from './semantics/balancing.ts'
import { testBrokenIngresses } from './semantics/broken.ts'
import { testCertificates } from './semantics/certificates.ts'
import { testHeaders } from './semantics/headers.ts'
import { testInspection } from './semantics/inspection.ts'
import { testPages } from './semantics/pages.ts'
import { testProtocols } from './semantics/protocols.ts'
import { testRouting } from './semantics/routing.ts'
import { testStatus } from './semantics/status.ts'
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
testBackends(controller)
testBalancing(controller)
testCertificates(controller)
testHeaders(controller)
testProtocols(controller)
testBrokenIngresses(controller)
testStatus(controller)
testInspection(controller)
testRestart(controller)
