/** Runs other programs: short ones to their end, long ones with progress lines, daemons with a log. */

import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end and returns what it printed; only a program that cannot start throws. */
export async function tryCommand(
  argv: readonly string[], options: SpawnOptions & { readonly input?: string } = {},
): Promise<CommandResult> {
  const child = spawn(argv[0] ?? '', argv.slice(1), { ...options, stdio: 'pipe' })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => { resolve(status ?? (signal === null ? 1 : 128)) })
  })
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** Like `tryCommand`, and throws with the program's own words when its exit status is not 0. */
export async function runCommand(
  argv: readonly string[], options: SpawnOptions & { readonly input?: string } = {},
): Promise<string> {
  const result = await tryCommand(argv, options)
  if (result.code !== 0) {
    throw new Error(`${argv.join(' ')}: exit ${result.code}: ${result.stderr.trim() || result.stdout.trim()}`)
  }
  return result.stdout
}

/** True when the program is on PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  return (await tryCommand(['sh', '-c', `command -v "$1"`, 'sh', program])).code === 0
}

const PROGRESS_INTERVAL_MS = 10_000
const TAIL_LINES = 30

/**
 * Runs a program that takes minutes. Prints `label` at the start, how long it has run and its latest
 * line every 10 s, and throws with its last lines when it fails.
 */
export async function runWithProgress(
  label: string, argv: readonly string[], options: SpawnOptions = {},
): Promise<void> {
  const started = performance.now()
  const seconds = (): number => Math.round((performance.now() - started) / 1000)
  const tail: string[] = []
  let lines = 0
  progress(`${label} ...`)
  const child = spawn(argv[0] ?? '', argv.slice(1), { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const collect = (chunk: Buffer): void => {
    for (const line of chunk.toString().split('\n')) {
      if (line.trim() === '') continue
      lines++
      tail.push(line)
      if (tail.length > TAIL_LINES) tail.shift()
    }
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const timer = setInterval(() => {
    progress(`${label}: ${seconds()} s, ${lines} lines, ${(tail.at(-1) ?? 'nothing yet').slice(0, 80)}`)
  }, PROGRESS_INTERVAL_MS)
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => { resolve(status ?? 1) })
  }).finally(() => { clearInterval(timer) })
  if (code !== 0) throw new Error(`${label}: exit ${code}\n${tail.join('\n')}`)
  progress(`${label}: done in ${seconds()} s`)
}

const TRIES = 3
const RETRY_PAUSE_MS = 10_000

/**
 * Does what needs a network, up to three times: a mirror or a proxy may fail for a moment. `work` must be able to
 * begin again. Throws what the last try threw.
 */
export async function withRetries(work: () => Promise<void>, pauseMs = RETRY_PAUSE_MS): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    try {
      await work()
      return
    } catch (error) {
      if (left === 0) throw error
      progress(`${error instanceof Error ? error.message : String(error)}\nonce more in ${pauseMs / 1000} s`)
      await sleep(pauseMs)
    }
  }
}

/** One line to standard error: standard output may be a test protocol. */
export function progress(text: string): void {
  process.stderr.write(`lab: ${text}\n`)
}

/** A program that runs until it is stopped, with its output in a file. */
export class Daemon {
  readonly name: string
  readonly logFile: string
  readonly #argv: readonly string[]
  #child: ChildProcess | undefined

  constructor(name: string, argv: readonly string[], logFile: string) {
    this.name = name
    this.logFile = logFile
    this.#argv = argv
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Of the program, once it has started. */
  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.name} has not been started`)
    return pid
  }

  start(): void {
    const log = openSync(this.logFile, 'a')
    this.#child = spawn(this.#argv[0] ?? '', this.#argv.slice(1), { stdio: ['ignore', log, log] })
    this.#child.on('error', (error) => { progress(`${this.name}: ${error.message}`) })
    closeSync(log)
  }

  /** Sends the signal and waits until the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const gone = new Promise<void>((resolve) => { child.once('exit', () => { resolve() }) })
    child.kill(signal)
    await gone
  }

  /** The last part of the log, for messages. */
  async tail(characters = 2000): Promise<string> {
    return (await readFile(this.logFile, 'utf8')).slice(-characters)
  }
}
