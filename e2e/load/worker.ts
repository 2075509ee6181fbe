/** The process of a load: it shares no event loop with the test that watches it. */

import { Engine } from './engine.ts'
import type { Answer, Command } from './types.ts'

let engine: Engine | undefined

process.on('message', (command: Command) => {
  obey(command).catch((error: unknown) => { throw error })
})
// Without its parent it has nobody to report to.
process.once('disconnect', orphaned)

async function obey(command: Command): Promise<void> {
  if (command.type === 'start') {
    engine = new Engine(command.options)
    engine.start()
    await tell({ type: 'started' })
    return
  }
  if (engine === undefined) throw new Error(`${command.type} before start`)
  if (command.type === 'expect') engine.expectations.set(command.group, command.pods, command.since)
  else if (command.type === 'count') {
    const { requests, failed, pods } = engine
    await tell({ type: 'count', requests, failed, pods })
  } else {
    await tell({ type: 'report', report: await engine.stop() })
    process.off('disconnect', orphaned)
    process.disconnect?.()
  }
}

function orphaned(): void {
  process.exit(1)
}

/** Resolves when the message is on its way: a long report is more than a pipe takes at once. */
async function tell(answer: Answer): Promise<void> {
  await new Promise<void>((resolve) => { process.send?.(answer, undefined, undefined, () => { resolve() }) })
}
