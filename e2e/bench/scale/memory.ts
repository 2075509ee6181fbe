/** Resident memory as the kernel counts it (Linux, /proc/PID/status), in MiB. */
import { readFile } from 'node:fs/promises'
import { childrenOf } from '../traffic/cpu.ts'
import { rounded } from '../statistics.ts'

export interface Memory {
  /** Everything below. */
  readonly resident: number
  /** The process's own: heap, stacks, pages that it has written since its fork. */
  readonly anonymous: number
  /** Program and libraries, which all processes of a program share. */
  readonly file: number
  /** Shared dictionaries, as far as this process has touched them: the same pages count in every worker. */
  readonly shared: number
  /** The largest `resident` since its start. */
  readonly peak: number
}

export async function memoryOf(pid: number): Promise<Memory> {
  return parseMemory(await readFile(`/proc/${pid}/status`, 'utf8'))
}

export function parseMemory(status: string): Memory {
  const field = (name: string): number => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    if (kibibytes === undefined) throw new Error(`the kernel does not tell ${name}`)
    return rounded(Number(kibibytes) / 1024, 1)
  }
  return {
    resident: field('VmRSS'), anonymous: field('RssAnon'), file: field('RssFile'), shared: field('RssShmem'), peak: field('VmHWM'),
  }
}

/** The workers that take new connections, wherever they are below a process: launchers may stand between. */
export async function workersBelow(pid: number): Promise<number[]> {
  const children = await childrenOf(pid)
  const found = await Promise.all(children.map(async (child) => {
    const title = await readFile(`/proc/${child}/cmdline`, 'utf8')
    return /^nginx: worker process\0*$/.test(title) ? [child] : await workersBelow(child)
  }))
  return found.flat()
}
