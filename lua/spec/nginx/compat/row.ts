/** The shape of the rows of the matrix: an annotation, what a client or the backend sees of it, and a bad value. */

export interface Probe {
  /** In front of the row's host. */
  readonly prefix?: string
  readonly path?: string
  readonly method?: 'GET' | 'OPTIONS' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Of the answer; 200 when absent. */
  readonly status?: number
  /** Of the answer; undefined: there is no such header. */
  readonly answer?: Readonly<Record<string, string | RegExp | undefined>>
  /** What the backend got. */
  readonly seen?: Readonly<Record<string, string | undefined>>
}

export interface Row {
  /** Other annotations that it needs, in each of the cases. */
  readonly beside?: Readonly<Record<string, string>>
  readonly good: string
  /** What `good` does; or the file beside this folder that shows it, where one request does not. */
  readonly shows: readonly Probe[] | `${string}.test.ts`
  readonly bad: string
  /** What is served with `bad`: 503 for a protection, else what is served without it; absent: a request gets 200. */
  readonly then?: 503 | Probe
}

/** By the name of the annotation, without prefix. */
export type Rows = Readonly<Record<string, Row>>

/** A protection, whose bad value closes, shown by a file. */
export function protection(good: string, shows: Row['shows'], bad: string, beside: Row['beside'] = {}): Row {
  return { good, shows, bad, beside, then: 503 }
}
