/** Active health checks, which annotations of a Service ask for. */
import { isDnsName, OWN_PREFIX, quoted } from '../../ir/names.ts'
import type { HealthCheck } from '../../ir/types.ts'
import { integer, list, seconds, type Parser } from '../../ir/value.ts'

const MAX_RANGES = 20

export interface HealthCheckField<T> {
  readonly annotation: string
  readonly parse: Parser<T>
  readonly about: string
}

/** It becomes part of a request line, hence the closed alphabet. */
const path: Parser<string> = (text) =>
  /^\/[!-~]{0,1023}$/.test(text)
    ? { value: text }
    : { allowed: 'a path that begins with "/", of printable ASCII characters but the space' }

const host: Parser<string> = (text) => {
  const value = text.slice(0, 254).toLowerCase()
  return isDnsName(value) ? { value } : { allowed: 'a DNS name' }
}

const statusRange: Parser<readonly [number, number]> = (text) => {
  const match = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(text)
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
  return match !== null && from <= to ? { value: [from, to] } : { allowed: 'a status such as 204 or a range such as 200-399' }
}

function field<T>(name: string, parse: Parser<T>, about: string): HealthCheckField<T> {
  return { annotation: `health-check-${name}`, parse, about }
}

/** By member of the record; `path` alone asks for a check, the others say how. */
export const HEALTH_CHECK = {
  path: field('path', path, 'Each endpoint is asked for this path, and gets requests only while it answers well'),
  interval: field('interval', seconds(1, 3_600), 'Time between two checks of an endpoint; 10 when not set'),
  timeout: field('timeout', seconds(1, 60), 'How long an answer may take; 2 when not set'),
  healthy: field('healthy-threshold', integer(1, 100), 'Good answers in a row that bring an endpoint back; 2 when not set'),
  unhealthy: field('unhealthy-threshold', integer(1, 100), 'Bad answers in a row that take it out; 3 when not set'),
  host: field('host', host, 'Host header of the check; the address of the endpoint when not set'),
  port: field('port', integer(1, 65_535), 'Port of the check; that of the endpoint when not set'),
  statuses: field('statuses', list(statusRange, MAX_RANGES), 'Good answers; 200-399 when not set'),
}

const DEFAULTS = { interval: 10, timeout: 2, healthy: 2, unhealthy: 3 }

export interface AnnotationProblem {
  /** Its full name. */
  readonly annotation: string
  readonly message: string
}

export interface HealthCheckReading {
  readonly check?: HealthCheck
  readonly problems: readonly AnnotationProblem[]
}

/** A check with any value that cannot be understood would be another check than the one asked for: there is none. */
export function readHealthCheck(annotations: Readonly<Record<string, string>>): HealthCheckReading {
  const { values, problems } = readFields(annotations)
  if (problems.length > 0 || values.size === 0) return { problems }
  if (!values.has('path')) {
    const annotation = `${OWN_PREFIX}/${HEALTH_CHECK.path.annotation}`
    return { problems: [{ annotation, message: `there is no annotation ${annotation}, which says what to ask for` }] }
  }
  return { check: { ...DEFAULTS, ...Object.fromEntries(values) } as unknown as HealthCheck, problems }
}

function readFields(annotations: Readonly<Record<string, string>>) {
  const values = new Map<string, unknown>()
  const problems: AnnotationProblem[] = []
  for (const [member, { annotation: name, parse }] of Object.entries(HEALTH_CHECK)) {
    const annotation = `${OWN_PREFIX}/${name}`
    const text = annotations[annotation]?.trim() ?? ''
    if (text === '') continue
    const parsed = (parse as Parser<unknown>)(text)
    if ('value' in parsed) values.set(member, parsed.value)
    else problems.push({ annotation, message: `annotation ${annotation}: ${quoted(text)} is refused; allowed: ${parsed.allowed}` })
  }
  return { values, problems }
}
