/** Where the time of a change goes. */
import type { Table } from '../report.ts'
import { quantile } from '../statistics.ts'
import { pushWithin, type Push } from './pushes.ts'

/** Milliseconds since the write was sent, except where it says otherwise. */
export interface Change {
  /** Milliseconds of the epoch, to find the sidecar's push. */
  readonly startedAt: number
  readonly endedAt: number
  /** The apiserver has answered. */
  readonly written: number
  /** A watch has told of it. */
  readonly seen: number
  /** Requests go by it. */
  readonly served: number
}

/** Milliseconds since the write was sent, of each change. */
export type Steps = Readonly<Record<'apiserver has answered the write' | 'a watch has told of it' |
  'sidecar has read it' | 'sidecar sends the push' | 'OpenResty has answered the push' | 'requests go by it', readonly number[]>>

/** Milliseconds of the epoch with a fraction: a clock that the sidecar's log has, too. */
export function epoch(): number {
  return performance.timeOrigin + performance.now()
}

export function stepsOf(changes: readonly Change[], pushes: readonly Push[]): Steps {
  const pushed = changes.flatMap(({ startedAt, endedAt }) => {
    const push = pushWithin(pushes, startedAt, endedAt)
    return push === undefined ? [] : [{
      begun: push.begun - startedAt, sent: push.sent - startedAt, answered: push.answered - startedAt,
    }]
  })
  return {
    'apiserver has answered the write': changes.map(({ written }) => written),
    'a watch has told of it': changes.map(({ seen }) => seen).filter((it) => !Number.isNaN(it)),
    'sidecar has read it': pushed.map(({ begun }) => begun),
    'sidecar sends the push': pushed.map(({ sent }) => sent),
    'OpenResty has answered the push': pushed.map(({ answered }) => answered),
    'requests go by it': changes.map(({ served }) => served),
  }
}

export function stepsTable(title: string, steps: Steps): Table {
  const rows = Object.entries(steps).map(([step, values]) =>
    [step, ...[0.5, 0.9, 0.99, 1].map((q) => quantile(values, q).toFixed(2)), values.length])
  return { title, columns: ['', 'p50', 'p90', 'p99', 'max', 'measured'], rows }
}
