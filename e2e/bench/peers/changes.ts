/** From the start of a change of the endpoints to the moment when every request goes by it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Changeover } from '../cluster/changeover.ts'
import { Poller } from '../cluster/poller.ts'
import { BenchError } from '../options.ts'
import { ENDPOINT_SETS } from '../traffic/backends.ts'
import { HOST } from '../traffic/ours.ts'

const CONNECTIONS = 3
/** With more requests the client would take the cores from what is measured. */
const PAUSE_MS = 1
const WARM_UP = 2
const CHANGES = 20
const LONGEST_MS = 10_000

/** Milliseconds of each change; the two sets of endpoints take turns, and the first one is served at the end. */
export async function measureChanges(
  name: string, port: number, apply: (addresses: readonly string[]) => Promise<void>,
): Promise<number[]> {
  let changeover: Changeover | undefined
  const poller = new Poller({
    address: '127.0.0.1', port, host: HOST, pauseMs: PAUSE_MS, onAnswer: (answer) => changeover?.add(answer),
  })
  try {
    for (let index = 0; index < CONNECTIONS; index++) await poller.open()
    poller.start()
    const durations: number[] = []
    for (let index = 0; index < WARM_UP + CHANGES; index++) {
      const { addresses, answer } = setAt(index + 1)
      changeover = new Changeover(poller.connections, ({ body }) => body === answer)
      const started = performance.now()
      await apply(addresses)
      const served = await Promise.race([changeover.done, sleep(LONGEST_MS)])
      if (served === undefined) throw new BenchError(`${name}: after ${LONGEST_MS} ms requests still go to endpoints that left`)
      if (index >= WARM_UP) durations.push(served - started)
      // Not in step with any timer of the other side.
      await sleep(50 + (index * 7) % 20)
    }
    return durations
  } finally {
    poller.close()
  }
}

function setAt(index: number): (typeof ENDPOINT_SETS)[number] {
  const set = ENDPOINT_SETS[index % ENDPOINT_SETS.length]
  if (set === undefined) throw new Error('there are no endpoint sets')
  return set
}
