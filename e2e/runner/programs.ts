/** Runs programs whose output is for the person who waits. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export const REPOSITORY: string = join(import.meta.dirname, '../..')

export interface Ran {
  /** Exit code; 127: the program cannot be started. */
  readonly code: number
  /** What it wrote to standard output; it has been shown too. */
  readonly output: string
}

/** Runs a program in the repository, shows what it says, and waits for its end. */
export async function show(command: readonly string[], signal: AbortSignal): Promise<Ran> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'inherit'], signal })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    process.stdout.write(chunk)
  })
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      process.stdout.write(`${program}: ${error.message}\n`)
      resolve(127)
    })
    child.once('close', (status) => resolve(status ?? 1))
  })
  return { code, output }
}

export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Has setup.mjs install a group of packages, or say what to do; true: they are there. */
export async function ensurePackages(group: string, signal: AbortSignal): Promise<boolean> {
  const { code } = await show([process.execPath, 'sidecar/setup.mjs', '--with', group], signal)
  return code === 0
}
