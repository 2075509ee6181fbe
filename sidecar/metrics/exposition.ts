/** The metrics of requests in Prometheus' text format 0.0.4, under the names and labels of ingress-nginx. */
import { SERIES_LABELS, type HistogramLayout, type RequestSeries, type Series } from './request-series.ts'

const PREFIX = 'nginx_ingress_controller_'
/** Series whose lines are made at once: others have their turn in between. */
const AT_ONCE = 50

const HELP: Readonly<Record<string, string>> = {
  requests: 'The total number of client requests',
  request_duration_seconds: 'Seconds from the first byte of a request to the last byte of its answer',
  response_duration_seconds: 'Seconds from connecting to a backend to the last byte of its answer, all tries together',
  header_duration_seconds: 'Seconds from connecting to a backend to the header of its answer, all tries together',
  connect_duration_seconds: 'Seconds of connecting to a backend, all tries together',
  request_size: 'Bytes of requests: request line, header and body',
  response_size: 'Bytes of answers: status line, header and body',
  bytes_sent: 'The same as response_size, in other buckets',
}

export interface RequestMetricsOptions {
  /** Labels that every series has. */
  readonly labels: Readonly<Record<string, string>>
  readonly perHost: boolean
  /** Names of metrics to leave out, without the prefix. */
  readonly excluded: readonly string[]
}

/** A label value between its quotes. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

/** `a="1",b="2"` */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`).join(',')
}

/** The text piece by piece, each metric as a whole as the format wants it. */
export function* requestMetrics({ layout, series }: RequestSeries, options: RequestMetricsOptions): Generator<string> {
  const labelsOf = labelling(options)
  const isWanted = (name: string): boolean => !options.excluded.includes(name)
  if (isWanted('requests')) {
    yield head('requests', 'counter')
    yield* inParts(series, (one) => `${PREFIX}requests{${labelsOf(one)}} ${one.numbers[layout.requests] ?? 0}\n`)
  }
  for (const histogram of layout.histograms) {
    if (!isWanted(histogram.name)) continue
    yield head(histogram.name, 'histogram')
    yield* inParts(series, (one) => histogramText(histogram, one.numbers, labelsOf(one)))
  }
}

/** The labels of a series as text: made once, when they are first needed. */
function labelling({ labels, perHost }: RequestMetricsOptions): (series: Series) => string {
  const constant = labelText(labels)
  const known = new Map<Series, string>()
  return (series) => {
    const text = known.get(series) ?? `${constant},${labelText(ownLabels(series, perHost))}`
    known.set(series, text)
    return text
  }
}

function ownLabels({ labels }: Series, perHost: boolean): Record<string, string> {
  const pairs = SERIES_LABELS.map((name, i) => [name, labels[i] ?? ''] as const)
  return Object.fromEntries(pairs.filter(([name]) => perHost || name !== 'host'))
}

function head(name: string, type: string): string {
  return `# HELP ${PREFIX}${name} ${HELP[name] ?? name}\n# TYPE ${PREFIX}${name} ${type}\n`
}

function* inParts<T>(items: readonly T[], text: (item: T) => string): Generator<string> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    yield items.slice(start, start + AT_ONCE).map(text).join('')
  }
}

/** No lines for a histogram that never saw a value: a request that met no backend has no time of one. */
function histogramText(histogram: HistogramLayout, numbers: Float64Array, labels: string): string {
  const { name, bounds, scale, sum, first } = histogram
  let count = 0
  let text = ''
  for (const [i, bound] of [...bounds, '+Inf'].entries()) {
    count += numbers[first + i] ?? 0
    text += `${PREFIX}${name}_bucket{${labels},le="${bound}"} ${count}\n`
  }
  if (count === 0) return ''
  const total = Number(((numbers[sum] ?? 0) * scale).toPrecision(15))
  return `${text}${PREFIX}${name}_sum{${labels}} ${total}\n${PREFIX}${name}_count{${labels}} ${count}\n`
}
