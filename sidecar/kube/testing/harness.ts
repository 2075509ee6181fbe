/** What the tests of kube/ share: a sink that keeps a picture, time that the test drives, waiting. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Leadership } from '../leadership.ts'
import type { Logger } from '../logger.ts'
import { Reflector, newCounters } from '../reflector.ts'
import type { ReflectorCounters, ReflectorTiming } from '../reflector.ts'
import type { RawObject } from '../resource.ts'
import { ApiTransport } from '../transport.ts'
import { realWait } from '../wait.ts'
import type { FakeApiServer } from './fake-apiserver.ts'

export const FAST_PROBE = { backoffMin: 1, backoffMax: 5, wait: realWait }

/** Waits of this length or longer belong to the stall guard of a watch. */
const STALL = 60_000

/** Back-off passes at once and is written down; stalled watches reach their limit when the test says so. */
export class TestTime {
  readonly waited: number[] = []
  readonly #stalls = new Set<() => void>()

  readonly timing: Partial<ReflectorTiming> = {
    backoffMin: 1,
    backoffMax: 5,
    shortWatch: 0,
    wait: (milliseconds, signal) => this.#wait(milliseconds, signal),
  }

  /** Every watch that is open now has been open for too long. */
  passStallLimit(): void {
    for (const pass of [...this.#stalls]) pass()
  }

  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (milliseconds < STALL) {
      this.waited.push(milliseconds)
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#stalls.add(resolve)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    await promise.finally(() => this.#stalls.delete(resolve))
  }
}

/** Leads until it is told otherwise. */
export class TestLeadership implements Leadership {
  #end = new AbortController()
  #leading = true

  isLeading(): boolean {
    return this.#leading
  }

  get term(): AbortSignal {
    return this.#end.signal
  }

  /** As at the end of a lease that nobody has told about: whoever asks the clock knows. */
  lapse(): void {
    this.#leading = false
  }

  lose(): void {
    this.lapse()
    this.#end.abort()
  }

  gain(): void {
    this.#leading = true
    this.#end = new AbortController()
  }
}

export interface Harness {
  readonly server: FakeApiServer
  readonly time: TestTime
  readonly counters: ReflectorCounters
  /** `namespace/name` -> resourceVersion, as the sink was told. */
  readonly picture: Map<string, string>
  readonly troubles: Error[]
  readonly reflector: Reflector<RawObject>
  /** Set to make each call of the sink throw. */
  throwing: boolean
  stop(): Promise<void>
}

export interface HarnessOptions {
  readonly fieldSelector?: string
  readonly timing?: Partial<ReflectorTiming>
}

export function startReflector(server: FakeApiServer, path: string, options: HarnessOptions = {}): Harness {
  const transport = new ApiTransport(server.kubeConfig(), FAST_PROBE)
  const time = new TestTime()
  const counters = newCounters()
  const picture = new Map<string, string>()
  const troubles: Error[] = []
  const take = ({ metadata }: RawObject): void => {
    picture.set(`${metadata.namespace}/${metadata.name}`, metadata.resourceVersion ?? '')
  }
  const check = (): void => {
    if (harness.throwing) throw new Error('the sink is broken')
  }
  const reflector = new Reflector<RawObject>({
    transport,
    path,
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
    keep: (raw) => raw,
    sink: {
      replace: (objects) => {
        check()
        picture.clear()
        for (const object of objects) take(object)
      },
      set: (object) => {
        check()
        take(object)
      },
      delete: ({ metadata }) => {
        check()
        picture.delete(`${metadata.namespace}/${metadata.name}`)
      },
    },
    observer: {
      trouble: (error) => troubles.push(error),
      healthy: () => undefined,
      sinkFailed: () => undefined,
    },
    counters,
    timing: { ...time.timing, ...options.timing },
  })
  const stop = async (): Promise<void> => {
    await reflector.stop()
    await transport.close()
  }
  const harness: Harness = { server, time, counters, picture, troubles, reflector, throwing: false, stop }
  reflector.start()
  return harness
}

export function put(server: FakeApiServer, collection: string, name: string): void {
  server.store.put(collection, { metadata: { namespace: 'prod', name } })
}

export async function watching({ server }: Harness): Promise<void> {
  await until(() => server.watches.count > 0, () => 'a watch is open')
}

/** Resolves when the sink has been told the server's state, each object in its newest version. */
export async function converged(harness: Harness, collection: string): Promise<void> {
  const { server, picture, counters, troubles } = harness
  const wanted = (): [string, string][] => server.store.list(collection).map(({ metadata }) => {
    return [`${metadata.namespace ?? ''}/${metadata.name}`, metadata.resourceVersion]
  })
  const same = (): boolean => {
    const expected = wanted()
    const equal = expected.every(([key, version]) => picture.get(key) === version)
    return counters.lists > 0 && expected.length === picture.size && equal
  }
  const describe = (): string => {
    return JSON.stringify({ server: wanted(), sink: [...picture], counters, trouble: troubles.at(-1)?.message })
  }
  await until(same, describe)
}

/** Resolves when the condition holds; fails after a minute with what `describe` says. */
export async function until(condition: () => boolean, describe: () => string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`this never came true: ${describe()}`)
    await sleep(1)
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export function recordingLogger(): { readonly lines: LogLine[]; readonly log: Logger } {
  const lines: LogLine[] = []
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}
