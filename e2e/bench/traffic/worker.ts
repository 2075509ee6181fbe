/** The process that serves, of an NGINX with one worker. */
import { readFile } from 'node:fs/promises'
import { eventually } from '../../lab/wait.ts'
import { childrenOf } from './cpu.ts'

/** The only worker of a master; after a reload the old one takes a moment to go. */
export async function workerOf(pidFile: string): Promise<number> {
  return await eventually(`one worker of ${pidFile}`, async () => {
    const master = Number(await readFile(pidFile, 'utf8').catch(() => ''))
    const workers = master > 0 ? await childrenOf(master) : []
    return workers.length === 1 && workers[0]
  })
}
