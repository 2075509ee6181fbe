/** Waiting for something to become true, with a message that says what did not. */

const POLL_INTERVAL_MS = 20
const TICK_MS = 50
/** A tick that comes later than this says that the process stood still. */
const LONGEST_TICK_MS = 250

export interface WaitOptions {
  /** By default 300 000: only what never comes true costs it, and a busy machine is slow. */
  readonly timeoutMs?: number
}

/** What is left of a type when it is true as a condition. */
export type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

/**
 * Calls `condition` until it returns something truthy and returns that. Throws what `condition` throws;
 * after the time-out throws `message`, with what `describe` says about the present state.
 */
export async function eventually<T>(
  message: string, condition: () => Promise<T> | T,
  options: WaitOptions & { readonly describe?: () => Promise<string> | string } = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 300_000, describe } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Truthy<T>
    if (performance.now() > deadline) {
      const state = describe === undefined ? '' : `\n${await describe()}`
      throw new Error(`not within ${timeoutMs} ms: ${message}${state}`)
    }
    await sleep(POLL_INTERVAL_MS)
  }
}

export async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, milliseconds) })
}

/**
 * Calls `attempt` with a signal that aborts after so much time in which this process ran: what it stood still for
 * does not count, since the answer may have come meanwhile. A signal of the system's clock would abort first.
 */
export async function withPatience<T>(milliseconds: number, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  let left = milliseconds
  let before = performance.now()
  const ticking = setInterval(() => {
    const now = performance.now()
    left -= Math.min(now - before, LONGEST_TICK_MS)
    before = now
    if (left <= 0) over.abort(new DOMException('no answer in time', 'TimeoutError'))
  }, TICK_MS)
  try {
    return await attempt(over.signal)
  } finally {
    clearInterval(ticking)
  }
}
