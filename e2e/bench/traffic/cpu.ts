/** Processes as the kernel counts them (Linux). */
import { readdir, readFile } from 'node:fs/promises'
import { runCommand } from '../../lab/command.ts'

/** The measured process has a core of its own; client and backends share the other. */
export const CORES = { measured: 0, others: 1 } as const

/** The processes that a process has started. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter((part) => part !== '').map(Number)
}

/**
 * Microseconds that the threads of a process have run, user and system together. The scheduler's own
 * count, since that of /proc/PID/stat comes in steps of 10 ms.
 */
export async function cpuTime(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(threads.map((thread) => threadTime(pid, thread)))
  return times.reduce((sum, time) => sum + time, 0)
}

async function threadTime(pid: number, thread: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
  return Number(text.split(' ')[0]) / 1000
}

/** Resident memory of a process, in MiB. */
export async function residentMemory(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

/** All threads that a process has now; those that they start inherit it. */
export async function pin(pid: number, core: number): Promise<void> {
  await runCommand(['taskset', '-a', '-p', '-c', String(core), String(pid)])
}
