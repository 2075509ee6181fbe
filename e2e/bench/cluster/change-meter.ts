/** Connections to every worker that ask all the time, and changes of endpoints under their eyes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from '../options.ts'
import { progress } from '../progress.ts'
import { Changeover } from './changeover.ts'
import { connectToEveryWorker } from './every-worker.ts'
import { Poller } from './poller.ts'
import { BACKENDS, sliceOf, type Rig, type Write } from './rig.ts'
import type { Sightings } from './sightings.ts'
import { epoch, type Change } from './steps.ts'

export const HOST = 'endpoints.example'
/** With more requests the client would take the cores from what is measured. */
const PAUSE_MS = 1
const WARM_UP = 20
const LONGEST_MS = 10_000

export class ChangeMeter {
  readonly #write: Write
  readonly #poller: Poller
  #changeover: Changeover | undefined
  #turn = 0

  private constructor(rig: Rig, write: Write) {
    this.#write = write
    this.#poller = new Poller({
      address: rig.controller.address, port: 80, host: HOST, pauseMs: PAUSE_MS,
      onAnswer: (answer) => this.#changeover?.add(answer),
    })
  }

  /** Nobody else may write to the same controller meanwhile. */
  static async open(rig: Rig, write: Write): Promise<ChangeMeter> {
    const meter = new ChangeMeter(rig, write)
    try {
      await connectToEveryWorker(rig, meter.#poller, write)
    } catch (error) {
      meter.close()
      throw error
    }
    meter.#poller.start()
    return meter
  }

  /** Changes one after the other; the first ones warm up. */
  async measure(changes: number, sightings?: Sightings): Promise<Change[]> {
    const measured: Change[] = []
    for (let index = 1 - WARM_UP; index <= changes; index++) {
      const change = await this.#change(sightings)
      if (index > 0) measured.push(change)
      if (index > 0 && index % 50 === 0) progress(`${index} of ${changes} changes`)
      // Not in step with any timer of the others.
      await sleep(5 + ((index + WARM_UP) * 7) % 20)
    }
    return measured
  }

  close(): void {
    this.#poller.close()
  }

  async #change(sightings?: Sightings): Promise<Change> {
    const address = BACKENDS[this.#turn++ % BACKENDS.length] ?? ''
    const changeover = new Changeover(this.#poller.connections, ({ body }) => body === address)
    this.#changeover = changeover
    const startedAt = epoch()
    const started = performance.now()
    const version = await this.#write(sliceOf(address))
    const answered = performance.now()
    const served = await Promise.race([changeover.done, sleep(LONGEST_MS)])
    if (served === undefined) throw new BenchError(`after ${LONGEST_MS} ms requests still go to endpoints that left`)
    return {
      startedAt,
      endedAt: epoch(),
      written: answered - started,
      seen: (sightings?.at(version) ?? NaN) - started,
      served: served - started,
    }
  }
}
