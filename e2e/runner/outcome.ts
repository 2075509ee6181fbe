/** What a suite came to, and how that is counted. */

export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** A sentence: why it failed as a whole, or why it was skipped. */
  readonly note?: string
}

export const NOTHING: Outcome = { passed: 0, failed: 0, skipped: 0 }

/** Checks that are not made of tests, such as lint, count only when they fail. */
export function verdict(isGood: boolean, note: string): Outcome {
  return isGood ? NOTHING : failed(note)
}

export function failed(note: string): Outcome {
  return { ...NOTHING, failed: 1, note }
}

export function skipped(note: string): Outcome {
  return { ...NOTHING, skipped: 1, note }
}

export function sum(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce(
    (all, it) => ({
      passed: all.passed + it.passed,
      failed: all.failed + it.failed,
      skipped: all.skipped + it.skipped,
    }),
    NOTHING,
  )
}

/** The last line of `npm test`; other programs read it. */
export function printCounts({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
