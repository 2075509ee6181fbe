/** A lab that stays up until it is killed; `enter.test.ts` does that. */

import { readlinkSync } from 'node:fs'
import { enterLab } from './enter.ts'
import { startLab } from './lab.ts'
import { deploymentOf } from './testing.ts'

await enterLab()
const lab = await startLab()
await lab.apply(deploymentOf('kept', { replicas: 2 }))
await lab.waitForDeployment('default', 'kept')
process.stdout.write(`${readlinkSync('/proc/self/ns/net')}\n`)
setInterval(() => {}, 60_000)
