/** Runs both loops and judges every answer. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Exchanger, type Outcome } from './exchange.ts'
import { Expectations, type Answered } from './expectations.ts'
import { Histogram } from './histogram.ts'
import { now, type Failure, type FailureKind, type LoadOptions, type LoadReport, type LoadRequest, type Loop, type LoopReport } from './types.ts'

const MOST_WAITING = 4096
const MOST_FAILURES = 1000
const TICK_MS = 1

/** A request under way. */
interface Sent {
  readonly loop: Loop
  readonly spec: LoadRequest
  readonly started: number
}

class LoopState {
  readonly exchanger: Exchanger
  readonly latency = new Histogram()
  requests = 0

  constructor(exchanger: Exchanger) {
    this.exchanger = exchanger
  }

  report(): LoopReport {
    return { requests: this.requests, connections: this.exchanger.opened, latency: this.latency.summary() }
  }
}

export class Engine {
  readonly expectations: Expectations
  readonly #options: LoadOptions
  readonly #loops: Record<Loop, LoopState>
  readonly #failures: Failure[] = []
  readonly #answersByPod = new Map<string, number>()
  readonly #unexpected: (Answered & { sent: Sent, outcome: Outcome })[] = []
  readonly #stall = monitorEventLoopDelay({ resolution: 1 })
  readonly #started = now()
  readonly #startedAt = Date.now()
  #failed = 0
  #resets = 0
  #turn = 0
  #waiting = 0
  #stopping = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: LoadOptions) {
    this.#options = options
    this.expectations = new Expectations(options.staleMs ?? 1000)
    this.#loops = {
      rate: new LoopState(new Exchanger(options, MOST_WAITING)),
      closed: new LoopState(new Exchanger(options, Math.max(1, options.connections ?? 0))),
    }
  }

  get requests(): number {
    return this.#loops.rate.requests + this.#loops.closed.requests
  }

  get failed(): number {
    return this.#failed
  }

  /** How many pods have answered. */
  get pods(): number {
    return this.#answersByPod.size
  }

  start(): void {
    this.#stall.enable()
    const closed = Array.from({ length: this.#options.connections ?? 0 }, () => this.#closedLoop())
    this.#running = Promise.all([...closed, this.#rateLoop(this.#options.rate ?? 0)])
  }

  /** Lets requests under way finish and reports. */
  async stop(): Promise<LoadReport> {
    this.#stopping = true
    await this.#running
    this.#stall.disable()
    const stale = this.#judge()
    for (const loop of Object.values(this.#loops)) loop.exchanger.close()
    return {
      requests: this.requests,
      failed: this.#failed,
      resets: this.#resets,
      failures: this.#failures,
      answersByPod: Object.fromEntries(this.#answersByPod),
      stale,
      loops: { rate: this.#loops.rate.report(), closed: this.#loops.closed.report() },
      seconds: (now() - this.#started) / 1000,
      ownStall: this.#stall.max / 1e6,
    }
  }

  async #closedLoop(): Promise<void> {
    while (!this.#stopping) {
      const started = now()
      await this.#send({ loop: 'closed', spec: this.#next(), started }, started)
    }
  }

  async #rateLoop(rate: number): Promise<void> {
    if (rate === 0) return
    const intervalMs = 1000 / rate
    const underWay = new Set<Promise<void>>()
    let due = now()
    while (!this.#stopping) {
      for (; due <= now(); due += intervalMs) {
        const request = this.#sendAtRate(due)
        underWay.add(request)
        void request.finally(() => { underWay.delete(request) })
      }
      await new Promise((resolve) => { setTimeout(resolve, TICK_MS) })
    }
    await Promise.all(underWay)
  }

  async #sendAtRate(due: number): Promise<void> {
    const sent: Sent = { loop: 'rate', spec: this.#next(), started: now() }
    if (this.#waiting >= MOST_WAITING) {
      this.#loops.rate.requests++
      this.#fail('unsent', sent, NO_CONNECTION, `${this.#waiting} requests wait for their answers`)
      return
    }
    this.#waiting++
    await this.#send(sent, due)
    this.#waiting--
  }

  #next(): LoadRequest {
    const { requests } = this.#options
    const spec = requests[this.#turn++ % requests.length]
    if (spec === undefined) throw new Error('a load needs at least one request')
    return spec
  }

  async #send(sent: Sent, due: number): Promise<void> {
    const loop = this.#loops[sent.loop]
    const outcome = await loop.exchanger.send(sent.spec)
    loop.requests++
    const { failure, status, pod } = outcome
    if (failure !== undefined) {
      this.#fail(failure.kind, sent, outcome, failure.error)
      return
    }
    loop.latency.add(now() - due)
    if (status !== (sent.spec.status ?? 200)) {
      this.#fail('status', sent, outcome, `status ${status} instead of ${sent.spec.status ?? 200}`)
      return
    }
    this.#answered(sent, outcome, pod)
  }

  #answered(sent: Sent, outcome: Outcome, pod: string | undefined): void {
    if (pod !== undefined) this.#answersByPod.set(pod, (this.#answersByPod.get(pod) ?? 0) + 1)
    const { group } = sent.spec
    if (group === undefined) return
    if (pod === undefined) this.#fail('misrouted', sent, outcome, 'the answer names no pod')
    else if (!this.expectations.isExpected(group, pod)) {
      // Whether this was too late is known when the whole course of the set is.
      this.#unexpected.push({ group, pod, started: sent.started, ended: now(), sent, outcome })
    }
  }

  /** Judges the answers of unexpected pods; returns the longest staleness of each pod. */
  #judge(): Record<string, number> {
    const stale: Record<string, number> = {}
    for (const answer of this.#unexpected) {
      const staleness = this.expectations.staleness(answer)
      if (Number.isFinite(staleness)) stale[answer.pod] = Math.max(stale[answer.pod] ?? 0, staleness)
      if (!this.expectations.isMisrouted(staleness)) continue
      const why = Number.isFinite(staleness) ? `left the set ${staleness.toFixed(1)} ms before` : 'was never in the set'
      this.#fail('misrouted', answer.sent, answer.outcome, `pod ${answer.pod} ${why}`)
    }
    return stale
  }

  #fail(kind: FailureKind, sent: Sent, outcome: Outcome, error: string): void {
    this.#failed++
    if (kind === 'reset') this.#resets++
    if (this.#failures.length >= MOST_FAILURES) return
    const { started, loop } = sent
    const { method = 'GET', host, path = '/', group } = sent.spec
    const { connection, requestOnConnection, status, pod } = outcome
    const sinceStart = started - this.#started
    this.#failures.push({
      kind, loop, error, sinceStart, requestOnConnection, method,
      time: new Date(this.#startedAt + sinceStart).toISOString(),
      duration: now() - started,
      url: host + path,
      connection: connection?.id ?? 0,
      localPort: connection?.localPort ?? 0,
      status,
      pod,
      expected: group === undefined ? undefined : this.expectations.pods(group),
    })
  }
}

const NO_CONNECTION: Outcome = { connection: undefined, requestOnConnection: 0 }
