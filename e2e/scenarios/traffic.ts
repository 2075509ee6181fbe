/** Work that is done while clients go on: at a fixed rate and in a closed loop, over kept connections. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { DataPlaneStatus } from '../../sidecar/dataplane/client.ts'
import { assertNoFailures, startLoad, type Load } from '../load/load.ts'
import type { LoadOptions, LoadReport } from '../load/types.ts'

/**
 * How long a pod that has left the EndpointSlices may be reached, and one that has come before the test knows of it:
 * sidecar and test may stand still for some seconds. The benchmark has the real bound.
 */
const STALE_MS = 10_000
/** The two cores of a small machine must do everything else, too. */
const RATE = 50
const CONNECTIONS = 4
/** Seen after the work: what it broke shows in the requests that follow. */
const REQUESTS_AFTER = 300

export type Traffic = Pick<LoadOptions, 'address' | 'requests'> & Partial<LoadOptions>

/** Runs `work` under load. How the clients fared is for the caller to judge. */
export async function underLoad(traffic: Traffic, work: (load: Load) => Promise<void>): Promise<LoadReport> {
  const load = await startLoad({ port: 80, rate: RATE, connections: CONNECTIONS, staleMs: STALE_MS, ...traffic })
  try {
    await load.more(REQUESTS_AFTER)
    await work(load)
    await load.more(REQUESTS_AFTER)
  } catch (error) {
    await load.stop()
    throw error
  }
  return await load.stop()
}

/**
 * While workers were replaced no request was lost. Without `keepalive_min_timeout` an idle connection may be
 * closed just when a request comes.
 */
export function assertNothingLost(report: LoadReport, status: Pick<DataPlaneStatus, 'loss_free_reload'>): void {
  const { failures, failed } = report
  const lost = failures.filter(({ kind, requestOnConnection }) => kind !== 'reset' || requestOnConnection === 1)
  if (status.loss_free_reload) assertNoFailures(report)
  else if (lost.length > 0 || failures.length < failed) assertNoFailures({ ...report, failures: lost })
}

/** An outage of so many seconds is what the test is about. */
export async function seconds(count: number): Promise<void> {
  await sleep(count * 1000)
}
