/** Processes as the kernel counts them (Linux). */
import { readFile } from 'node:fs/promises'
import { runCommand } from '../../lab/command.ts'

/** The processes that a process has started. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter((part) => part !== '').map(Number)
}

/**
 * Microseconds that a process with one thread has run, user and system together. The scheduler's own
 * count, since that of /proc/PID/stat comes in steps of 10 ms.
 */
export async function cpuTime(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8')
  return Number(text.split(' ')[0]) / 1000
}

export async function pin(pid: number, core: number): Promise<void> {
  await runCommand(['taskset', '-p', '-c', String(core), String(pid)])
}
