/** The sidecar's own view: when it pushed records, from its log at level debug. */

export interface Push {
  /** `Date.now()` of the sidecar, in whole milliseconds. */
  readonly sent: number
  readonly answered: number
}

export function readPushes(log: string): Push[] {
  return log.split('\n').filter((line) => line.includes('"records pushed"')).map((line) => {
    const { time, milliseconds } = JSON.parse(line) as { time: number; milliseconds: number }
    return { sent: time - milliseconds, answered: time }
  })
}

/** The log counts whole milliseconds, and a request may go by a push before the sidecar has its answer. */
const LATE_MS = 5

/** The first push that was answered in a span of `Date.now()`. */
export function pushWithin(pushes: readonly Push[], from: number, to: number): Push | undefined {
  return pushes.find(({ answered }) => answered >= from && answered <= to + LATE_MS)
}
