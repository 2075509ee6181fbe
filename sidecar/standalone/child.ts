/**
 * A program that runs as long as we do. It has a process group of its own: Ctrl-C in the terminal reaches
 * only us, and its whole group can be ended, NGINX's workers too.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** How long a program may take to end by itself. */
const GRACE_MS = 5_000
const KEPT_LINES = 20

export interface ChildOptions {
  /** For messages. */
  readonly name: string
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly onLine: (line: string) => void
}

export class Child {
  readonly name: string
  /** Resolves when the program has ended, with how it ended, in words. */
  readonly ended: Promise<string>
  /** Its last lines of output. */
  readonly lines: string[] = []
  readonly #process: ChildProcess

  constructor({ name, command, env, onLine }: ChildOptions) {
    const [program = '', ...args] = command
    this.name = name
    this.#process = spawn(program, args, { env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#read(line, onLine))
    }
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(`cannot be started: ${error.message}`))
      // `close`, not `exit`: then its last words have been read.
      this.#process.once('close', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`))
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

  #read(line: string, onLine: (line: string) => void): void {
    this.lines.push(line)
    if (this.lines.length > KEPT_LINES) this.lines.shift()
    onLine(line)
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
