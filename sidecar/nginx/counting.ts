/** What nginx.conf says about counting requests. */
import type { RequestCounting } from './input.ts'

/** Metric -> the variable that tells it. */
const TIMES = {
  connect_duration_seconds: '$upstream_connect_time',
  header_duration_seconds: '$upstream_header_time',
  response_duration_seconds: '$upstream_response_time',
} as const

/**
 * The numbers of `RequestCounting` as Lua, and the text that `lua/ingress/metrics/stats.lua` reads. NGINX makes it
 * for each request, so a time that is left out of the metrics is left out there.
 */
export function countingView(counting: RequestCounting): Readonly<Record<string, unknown>> {
  const times = Object.entries(TIMES).map(([metric, variable]) => (counting.excluded.includes(metric) ? '-' : variable))
  return {
    time: counting.timeBuckets,
    length: counting.lengthBuckets,
    size: counting.sizeBuckets,
    per_host: counting.perHost,
    undefined_hosts: counting.perUndefinedHost,
    status_classes: counting.statusClasses,
    sampling: counting.sampling,
    stats: `$request_length $bytes_sent ${times.map((time) => `${time};`).join('')}`,
  }
}
