/** Trying again, with one rule for all of kube/: exponential back-off with jitter, and the server's wish. */
import pRetry from 'p-retry'
import { ApiError } from './errors.ts'
import type { Wait } from './wait.ts'

/** Milliseconds. */
export interface RetryTiming {
  readonly backoffMin: number
  readonly backoffMax: number
  readonly wait: Wait
}

export interface RetryOptions {
  readonly timing: RetryTiming
  readonly signal: AbortSignal
  /** Without it there is no end. */
  readonly retries?: number
  readonly shouldRetry?: (error: Error) => boolean
  /** Told about each failure. */
  readonly failed?: (error: Error) => void
}

/**
 * Calls the task until it succeeds. Rejects when the signal aborts, the retries are used up, an error is not
 * to be retried, or for a TypeError, which p-retry takes for the bug that it is.
 */
export async function retrying<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { timing, signal, shouldRetry, failed } = options
  return pRetry(task, {
    retries: options.retries ?? Infinity,
    minTimeout: timing.backoffMin,
    maxTimeout: timing.backoffMax,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => shouldRetry?.(error) ?? true,
    onFailedAttempt: async ({ error }) => {
      failed?.(error)
      // As Retry-After asks: our own back-off comes on top.
      if (error instanceof ApiError && error.retryAfter > 0) await timing.wait(error.retryAfter, signal)
    },
  })
}
