/** The sidecar's own view of a change, from its log at level debug. Times are milliseconds of the epoch. */

/** One push, and the translation that it comes from. */
export interface Push {
  /** The sidecar began to translate what it had read. */
  readonly begun: number
  readonly sent: number
  readonly answered: number
}

interface Line {
  readonly msg: string
  readonly at: number
  readonly milliseconds: number
}

export function readPushes(log: string): Push[] {
  const pushes: Push[] = []
  const begins: number[] = []
  for (const text of log.split('\n')) {
    if (!text.includes('"objects translated"') && !text.includes('"records pushed"')) continue
    const { msg, at, milliseconds } = JSON.parse(text) as Line
    if (msg === 'objects translated') begins.push(at - milliseconds)
    // What is translated while a push is under way comes with the next.
    else pushes.push({ begun: lastBefore(begins, at - milliseconds), sent: at - milliseconds, answered: at })
  }
  return pushes
}

function lastBefore(times: readonly number[], end: number): number {
  return times.findLast((time) => time < end) ?? NaN
}

/** A request may go by a push before the sidecar has its answer. */
const LATE_MS = 5

/** The first push that was answered in a span of time. */
export function pushWithin(pushes: readonly Push[], from: number, to: number): Push | undefined {
  return pushes.find(({ answered }) => answered >= from && answered <= to + LATE_MS)
}
