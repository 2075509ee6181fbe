/** The flags of ingress-nginx about metrics. */
import type { InferredOptionTypes, Options as FlagOptions } from 'yargs'
import type { RequestCounting } from '../nginx/input.ts'

/** A series of a request holds a number for each bucket. */
const MOST_BUCKETS = 50
/** Of a bound: 1e15 is exact in a double, and more than anybody sends. */
const GREATEST_BOUND = 1e15
const PREFIX = 'nginx_ingress_controller_'

const BUCKET_FLAGS = ['time-buckets', 'length-buckets', 'size-buckets'] as const

export const METRICS_FLAGS = {
  'enable-metrics': { type: 'boolean', default: false, describe: 'Count requests by host, Ingress, path, method and status' },
  'metrics-per-host': { type: 'boolean', default: true, describe: 'Requests have the label host' },
  'metrics-per-undefined-host': { type: 'boolean', default: false, describe: 'Also count requests to hosts that no Ingress names' },
  'report-status-classes': { type: 'boolean', default: false, describe: 'Count by 2xx, 3xx, 4xx and 5xx instead of statuses' },
  'metrics-sampling': {
    type: 'boolean', default: true,
    describe: 'Of busy series, measure durations and sizes of one request of several',
  },
  'exclude-socket-metrics': {
    type: 'string', default: '', coerce: names,
    describe: 'Metrics of requests to leave out, separated by commas, such as header_duration_seconds',
  },
  'time-buckets': {
    type: 'string', default: '0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10', coerce: numbers,
    describe: 'Bounds of durations in seconds',
  },
  'length-buckets': {
    type: 'string', default: '10,20,30,40,50,60,70,80,90,100', coerce: numbers,
    describe: 'Bounds of request_size and response_size in bytes',
  },
  'size-buckets': {
    type: 'string', default: '10,100,1000,10000,100000,1000000,10000000', coerce: numbers,
    describe: 'Bounds of bytes_sent in bytes',
  },
} as const satisfies Record<string, FlagOptions>

type Flags = InferredOptionTypes<typeof METRICS_FLAGS>

function names(text: string): readonly string[] {
  return list(text).map((name) => (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name))
}

function numbers(text: string): readonly number[] {
  return list(text).map(Number)
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '')
}

/** What is wrong with these flags, as a sentence. */
export function metricsFlagsError(flags: Flags): string | undefined {
  for (const flag of BUCKET_FLAGS) {
    const bounds = flags[flag]
    const isGood = (bound: number, i: number): boolean => bound > (bounds[i - 1] ?? 0) && bound <= GREATEST_BOUND
    if (bounds.length === 0 || bounds.length > MOST_BUCKETS || !bounds.every(isGood)) {
      return `--${flag} must be 1 to ${MOST_BUCKETS} positive numbers in ascending order, separated by commas`
    }
  }
  if (flags['metrics-per-undefined-host'] && !flags['metrics-per-host']) {
    return '--metrics-per-undefined-host needs --metrics-per-host'
  }
  return undefined
}

/** Undefined: requests are not counted. */
export function requestCounting(flags: Flags): RequestCounting | undefined {
  if (!flags['enable-metrics']) return undefined
  return {
    timeBuckets: flags['time-buckets'],
    lengthBuckets: flags['length-buckets'],
    sizeBuckets: flags['size-buckets'],
    perHost: flags['metrics-per-host'],
    perUndefinedHost: flags['metrics-per-undefined-host'],
    statusClasses: flags['report-status-classes'],
    sampling: flags['metrics-sampling'],
    excluded: flags['exclude-socket-metrics'],
  }
}
