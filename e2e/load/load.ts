/**
 * A load client in a process of its own: a fixed request rate and a closed loop at once, over keep-alive
 * connections; every request that fails or reaches a wrong pod is counted and explained.
 */

import { fork, type ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { now, type Answer, type Command, type Failure, type LoadOptions, type LoadReport } from './types.ts'

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))

/** Starts a load; returns when its first requests are on their way. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const worker = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
  // Where it may, it goes first: what it measures must not be its own waiting.
  if (process.getuid?.() === 0) setPriority(worker.pid ?? 0, constants.priority.PRIORITY_ABOVE_NORMAL)
  const load = new Load(worker)
  await load.start(options)
  return load
}

export class Load {
  readonly #worker: ChildProcess
  readonly #waiting: { resolve: (answer: Answer) => void, reject: (error: Error) => void }[] = []
  #exited = false

  constructor(worker: ChildProcess) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => { this.#waiting.shift()?.resolve(answer) })
    worker.once('exit', (code) => {
      this.#exited = true
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the load client ended with ${code}`))
    })
  }

  async start(options: LoadOptions): Promise<void> {
    await this.#ask({ type: 'start', options })
  }

  /** From now on (or from `since`, of `now()`) answers to requests of this group must come from these pods. */
  expect(group: string, pods: readonly string[], since = now()): void {
    this.#worker.send({ type: 'expect', group, pods, since } satisfies Command)
  }

  /**
   * How many requests have ended so far, how many of them failed (misrouted ones come at the end), and how
   * many pods have answered.
   */
  async count(): Promise<{ readonly requests: number, readonly failed: number, readonly pods: number }> {
    const answer = await this.#ask({ type: 'count' })
    if (answer.type !== 'count') throw new Error(`unexpected ${answer.type}`)
    return answer
  }

  /** Resolves when so many more requests have ended: something can have been noticed by then. */
  async more(requests: number): Promise<void> {
    const wanted = (await this.count()).requests + requests
    while ((await this.count()).requests < wanted) await new Promise((resolve) => { setTimeout(resolve, 10) })
  }

  /** Lets requests under way finish, ends the process, and reports. */
  async stop(): Promise<LoadReport> {
    const answer = await this.#ask({ type: 'stop' })
    if (answer.type !== 'report') throw new Error(`unexpected ${answer.type}`)
    return answer.report
  }

  async #ask(command: Command): Promise<Answer> {
    if (this.#exited) throw new Error('the load client has ended')
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.send(command)
    })
  }
}

/** Throws an error that explains the first failures, when there are any. */
export function assertNoFailures(report: LoadReport): void {
  if (report.requests === 0) throw new Error('the load made no request')
  if (report.failed === 0) return
  const shown = report.failures.slice(0, 20).map(describeFailure)
  throw new Error(`${report.failed} of ${report.requests} requests failed:\n${shown.join('\n')}`)
}

/** One line for people. */
export function describeFailure(failure: Failure): string {
  const { time, sinceStart, kind, error, method, url, pod, expected } = failure
  const from = pod === undefined ? '' : ` from ${pod}`
  const set = expected === undefined ? '' : `, expected one of [${expected.join(', ')}]`
  return `${time} (+${sinceStart.toFixed(1)} ms, ${failure.loop} loop) ${kind}${from}: ${error}; ${method} ${url}, ` +
    `request ${failure.requestOnConnection} on connection ${failure.connection} (port ${failure.localPort}), ` +
    `after ${failure.duration.toFixed(1)} ms${set}`
}
