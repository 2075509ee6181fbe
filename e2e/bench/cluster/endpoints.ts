/**
 * From the write of an EndpointSlice to the moment when every request goes by it. The client asks from the
 * process that writes, so both ends are of one clock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ingressOf } from '../../scenarios/workload.ts'
import { BenchError, type BenchOptions } from '../options.ts'
import { progress } from '../progress.ts'
import type { Report } from '../report.ts'
import { quantile, rounded } from '../statistics.ts'
import { Changeover } from './changeover.ts'
import { connectToEveryWorker } from './every-worker.ts'
import { Poller } from './poller.ts'
import { readPushes } from './pushes.ts'
import { BACKENDS, NAMESPACE, SERVICE, SLICE, sliceOf, startRig, type Rig } from './rig.ts'
import { Sightings } from './sightings.ts'
import { epoch, stepsOf, stepsTable, type Change } from './steps.ts'

const HOST = 'endpoints.example'
/** With more requests the client would take the cores from what is measured. */
const PAUSE_MS = 1
const WARM_UP = 20
const LONGEST_MS = 10_000
const TARGET = { p50: 8, p99: 20 }

export async function endpoints(options: BenchOptions): Promise<Report> {
  const rig = await startRig(options)
  try {
    await rig.lab.apply(ingressOf(SERVICE, { rules: [{ host: HOST, service: SERVICE }] }))
    return await report(rig, await measure(rig, options.changes))
  } finally {
    await rig.close()
  }
}

async function measure(rig: Rig, changes: number): Promise<Change[]> {
  const { lab, controller } = rig
  let changeover: Changeover | undefined
  const poller = new Poller({
    address: controller.address, port: 80, host: HOST, pauseMs: PAUSE_MS, onAnswer: (answer) => changeover?.add(answer),
  })
  const sightings = await Sightings.start(lab, SLICE, NAMESPACE)
  try {
    await connectToEveryWorker(rig, poller)
    poller.start()
    const measured: Change[] = []
    for (let index = 1 - WARM_UP; index <= changes; index++) {
      const address = BACKENDS[(index + WARM_UP) % BACKENDS.length] ?? ''
      changeover = new Changeover(poller.connections, ({ body }) => body === address)
      const change = await changeTo(rig, address, changeover, sightings)
      if (index > 0) measured.push(change)
      if (index % 50 === 0) progress(`${index} of ${changes} changes`)
      // Not in step with any timer of the others.
      await sleep(5 + ((index + WARM_UP) * 7) % 20)
    }
    return measured
  } finally {
    poller.close()
    await sightings.stop()
  }
}

async function changeTo({ lab }: Rig, address: string, { done }: Changeover, sightings: Sightings): Promise<Change> {
  const startedAt = epoch()
  const started = performance.now()
  const written = await lab.client.replace(sliceOf(address))
  const answered = performance.now()
  const served = await Promise.race([done, sleep(LONGEST_MS)])
  if (served === undefined) throw new BenchError(`after ${LONGEST_MS} ms requests still go to endpoints that left`)
  return {
    startedAt,
    endedAt: epoch(),
    written: answered - started,
    seen: (sightings.at(written.metadata?.resourceVersion) ?? NaN) - started,
    served: served - started,
  }
}

async function report({ lab, controller, nginx }: Rig, changes: readonly Change[]): Promise<Report> {
  const served = changes.map((change) => change.served)
  const [p50, p99] = [quantile(served, 0.5), quantile(served, 0.99)]
  const steps = stepsOf(changes, readPushes(await lab.logs(controller.sidecar)))
  const missed = p50 >= TARGET.p50 || p99 >= TARGET.p99
  return {
    tables: [stepsTable(`NGINX ${nginx}, ${changes.length} changes of an EndpointSlice; milliseconds since the write was sent`, steps)],
    notes: missed ? [`Target missed: p50 < ${TARGET.p50} ms, p99 < ${TARGET.p99} ms.`] : [],
    json: { changes: changes.length, p50_ms: rounded(p50), p99_ms: rounded(p99) },
  }
}
