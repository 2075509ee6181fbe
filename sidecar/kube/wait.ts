/** Waiting as a parameter, so that tests of back-off take no time. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after that many milliseconds; rejects as soon as the signal aborts. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>

export const realWait: Wait = (milliseconds, signal) => sleep(milliseconds, undefined, { signal })
