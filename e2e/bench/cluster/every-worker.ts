/** Connections to each worker of OpenResty: one that nobody asks would be left out of what is measured. */
import { connect, type Socket } from 'node:net'
import { BenchError } from '../options.ts'
import type { Poller } from './poller.ts'
import { BACKENDS, sliceOf, type Rig, type Write } from './rig.ts'

const PER_WORKER = 3
const MOST_ATTEMPTS = 300
const AT_ONCE = 16
/** Never there before, whatever was measured last: a write that changes nothing makes no revision. */
const UNUSED = '198.19.254.9'

/** Opens connections until each worker has its share. Which worker has one, its revision tells. */
export async function connectToEveryWorker(rig: Rig, poller: Poller, write: Write): Promise<void> {
  const { worker_count: workers } = await rig.controller.status()
  const counts = new Map<number, number>()
  await makeRevision(rig, write, UNUSED)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    await makeRevision(rig, write, BACKENDS[attempt % BACKENDS.length] ?? '')
    const others = openIdle(rig.controller.address)
    await poller.open()
    for (const socket of others) socket.destroy()
    const pid = await lastAsked(rig)
    const count = pid === undefined ? PER_WORKER : counts.get(pid) ?? 0
    if (pid === undefined || count >= PER_WORKER) poller.closeLast()
    else counts.set(pid, count + 1)
    if (poller.connections === workers * PER_WORKER) return
  }
  throw new BenchError(`after ${MOST_ATTEMPTS} connections there are workers of OpenResty that got none`)
}

/**
 * Connections that ask nothing. Of idle workers the kernel always wakes the same one: among many connections
 * at once each worker gets some.
 */
function openIdle(address: string): Socket[] {
  return Array.from({ length: AT_ONCE }, () => connect({ host: address, port: 80 }).on('error', () => undefined))
}

/** A change that no worker has taken over yet: they do at their next request. */
async function makeRevision({ lab, controller }: Rig, write: Write, address: string): Promise<void> {
  const { revision } = await controller.status()
  await write(sliceOf(address))
  await lab.waitFor('a new revision', async () => (await controller.status()).revision > revision)
}

/** The only worker that is up to date; undefined when that is not clear. */
async function lastAsked({ controller }: Rig): Promise<number | undefined> {
  const { revision, workers } = await controller.status()
  const current = workers.filter((worker) => worker.revision === revision)
  return current.length === 1 ? current[0]?.pid : undefined
}
