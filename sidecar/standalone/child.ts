/**
 * A program that runs as long as we do. It has a process group of its own: Ctrl-C in the terminal reaches
 * only us, and its whole group can be ended, NGINX's workers too.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'

/** How long a program may take to end by itself. */
const GRACE_MS = 5_000

export interface ChildOptions {
  /** For messages. */
  readonly name: string
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Called with each line of its standard error, and of its standard output where that is a log. */
  readonly onLine: (line: string) => void
  readonly output: 'log' | 'ignore'
}

export class Child {
  readonly name: string
  /** Resolves when the program has ended, with how it ended, in words. */
  readonly ended: Promise<string>
  readonly #process: ChildProcess

  constructor({ name, command, env, onLine, output }: ChildOptions) {
    const [program = '', ...args] = command
    this.name = name
    const stdout = output === 'log' ? 'pipe' : 'ignore'
    this.#process = spawn(program, args, { env, stdio: ['ignore', stdout, 'pipe'], detached: true })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', onLine)
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(`cannot be started: ${error.message}`))
      // `close`, not `exit`: then its last words have been read.
      this.#process.once('close', (code, signal) => resolve(`ended with ${signal ?? describeExit(code)}`))
    })
  }

  /** Resolves when nothing of the program is left. `immediately` leaves it no time. */
  async stop(immediately: AbortSignal): Promise<void> {
    this.#signal('SIGTERM')
    const timer = setTimeout(() => this.#signal('SIGKILL'), GRACE_MS)
    const kill = (): void => this.#signal('SIGKILL')
    if (immediately.aborted) kill()
    immediately.addEventListener('abort', kill)
    await this.ended
    immediately.removeEventListener('abort', kill)
    clearTimeout(timer)
    // A worker whose master was killed lives on.
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process.pid === undefined) return
    try {
      process.kill(-this.#process.pid, signal)
    } catch {
      // Nobody is left in the group.
    }
  }
}

/** Above 128 the shell of openresty/start tells of a signal that ended NGINX. */
function describeExit(code: number | null): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number + 128 === code)
  return signal?.[0] ?? `exit code ${code}`
}
