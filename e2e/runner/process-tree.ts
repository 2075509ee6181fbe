/** Processes as the kernel knows them (Linux): found by what they run, ended with all that they started. */
import { readdirSync, readFileSync } from 'node:fs'

/** The child of this process that has `argument` in its command line. */
export function childRunning(argument: string): number | undefined {
  return childrenOf(process.pid).find((pid) => commandLine(pid).includes(argument))
}

/** Program and arguments; empty: the process has ended. */
export function commandLine(pid: number): string[] {
  return readProc(`${pid}/cmdline`).split('\0').slice(0, -1)
}

/** Ends a process and all below it at once. */
export function killTree(pid: number): void {
  for (const it of stopTree(pid)) signal(it, 'SIGKILL')
}

/** Each is stopped before its children are looked for, so that it starts no more of them. */
function stopTree(pid: number): number[] {
  signal(pid, 'SIGSTOP')
  return [pid, ...childrenOf(pid).flatMap(stopTree)]
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** A child belongs to the thread that started it, which need not be the first. */
function childrenOf(pid: number): number[] {
  const texts = threadsOf(pid).map((thread) => readProc(`${pid}/task/${thread}/children`))
  return texts.flatMap((text) => text.split(' ')).filter((it) => it !== '').map(Number)
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Empty: the process has ended. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}
