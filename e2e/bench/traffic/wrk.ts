/** HTTP/1.1, plain or TLS: wrk. */
import { join } from 'node:path'
import { runCommand } from '../../lab/command.ts'
import type { LoadOptions, LoadResult } from './client.ts'

const SCRIPT = join(import.meta.dirname, 'wrk.lua')

export async function runWrk({ url, connections, seconds, core, reconnect = false }: LoadOptions): Promise<LoadResult> {
  const printed = await runCommand([
    'taskset', '-c', String(core), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT,
    ...reconnect ? ['-H', 'Connection: close'] : [], url,
  ])
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as LoadResult
}
