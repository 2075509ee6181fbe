/** The numbers of requests as OpenResty gives them (`GET /v1/requests`, docs/control-api.md). */
import { setImmediate } from 'node:timers/promises'

export interface HistogramLayout {
  /** After `nginx_ingress_controller_`. */
  readonly name: string
  readonly bounds: readonly number[]
  /** What the sum is to be multiplied by. */
  readonly scale: number
  /** Where its sum is among the numbers of a series. */
  readonly sum: number
  /** Where its first bucket is; the last one of them is above every bound. */
  readonly first: number
}

export interface Layout {
  /** Numbers of a series. */
  readonly width: number
  /** Where the count of requests is. */
  readonly requests: number
  readonly histograms: readonly HistogramLayout[]
}

/** In this order. */
export const SERIES_LABELS = ['host', 'namespace', 'ingress', 'service', 'canary', 'path', 'method', 'status'] as const

export interface Series {
  readonly labels: readonly string[]
  readonly numbers: Float64Array
}

export interface RequestSeries {
  readonly layout: Layout
  readonly series: readonly Series[]
}

const LINE_END = 0x0a
/** Series that are read before others have their turn. */
const AT_ONCE = 200

/** Undefined when requests are not counted. Rejects when the bytes are cut off or of another form. */
export async function parseRequestSeries(bytes: Buffer): Promise<RequestSeries | undefined> {
  if (bytes.length === 0) return undefined
  const first = lineAt(bytes, 0)
  const layout = JSON.parse(first.text) as Layout
  const series = new Map<string, Series>()
  let at = first.next
  while (at < bytes.length) {
    const { text, next } = lineAt(bytes, at)
    at = next + layout.width * Float64Array.BYTES_PER_ELEMENT
    if (at > bytes.length) throw new Error('the numbers of requests are cut off')
    // A copy, since the bytes of a Float64Array begin at a multiple of 8; both containers are on one machine.
    const numbers = new Float64Array(layout.width)
    bytes.copy(new Uint8Array(numbers.buffer), 0, next, at)
    add(series, text, numbers)
    if (series.size % AT_ONCE === 0) await setImmediate()
  }
  return { layout, series: [...series.values()] }
}

function lineAt(bytes: Buffer, start: number): { readonly text: string; readonly next: number } {
  const end = bytes.indexOf(LINE_END, start)
  if (end === -1) throw new Error('the numbers of requests are cut off')
  return { text: bytes.toString('utf8', start, end), next: end + 1 }
}

/** Two workers may have made the same series at the same moment: it has one of the blocks, and both count. */
function add(series: Map<string, Series>, labels: string, numbers: Float64Array): void {
  const known = series.get(labels)
  if (known === undefined) series.set(labels, { labels: JSON.parse(labels) as string[], numbers })
  else numbers.forEach((number, i) => (known.numbers[i] = (known.numbers[i] ?? 0) + number))
}
