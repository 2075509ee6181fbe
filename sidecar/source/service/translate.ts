/** A Service port and its EndpointSlices -> the addresses to send requests to. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { classifyAddress, formatAddress, parseAddress } from '../../ir/address.ts'
import { isPortNumber, quoted } from '../../ir/names.ts'
import type { Finding } from '../../ir/origin.ts'
import type { Backend, BackendRef, Endpoint, HealthCheck } from '../../ir/types.ts'
import { compareText } from '../../util/canonical.ts'
import { fields, items, text } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { readHealthCheck } from './health-check.ts'
import { findServicePort } from './port.ts'

const MAX_ENDPOINTS = 20_000

/** One endpoint of a slice, with what decides whether it is used. */
interface Candidate extends Endpoint {
  readonly pod: string
  readonly family: 'IPv4' | 'IPv6'
  readonly ready: boolean
  readonly serving: boolean
}

/** Absent when the Service does not exist: the referrers have the finding. */
export function translateBackend(ref: BackendRef, read: Reader, context: Context): Backend {
  const service = read.get(context.services, `${ref.namespace}/${ref.service}`)
  const port = service === undefined ? undefined : findServicePort(service, ref.port)
  if (service === undefined || port === undefined) return { ...ref, endpoints: [], findings: [] }
  const slices = read.lookup(context.slicesByService, `${ref.namespace}/${ref.service}`)
  const findings: Finding[] = externalNameFinding(service)
  const healthCheck = healthCheckOf(service, findings)
  const usable = slices
    .flatMap((slice) => candidates(slice, port.name))
    .filter((candidate) => isAllowed(candidate, context, service, findings))
  const endpoints = choose(usable, primaryFamily(service))
  if (endpoints.length > MAX_ENDPOINTS) {
    const message = `${endpoints.length} endpoints: the first ${MAX_ENDPOINTS} by address are used`
    findings.push(problem(service, 'endpoints', 'TooManyEndpoints', message))
  }
  return {
    ...ref,
    endpoints: endpoints.slice(0, MAX_ENDPOINTS),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    findings,
  }
}

function healthCheckOf(service: KubeObject, findings: Finding[]): HealthCheck | undefined {
  const { check, problems } = readHealthCheck(service.metadata.annotations ?? {})
  for (const { annotation, message } of problems) {
    const text = `${message}; the endpoints are not checked`
    findings.push(problem(service, `metadata.annotations[${annotation}]`, 'InvalidAnnotation', text))
  }
  return check
}

function externalNameFinding(service: KubeObject): Finding[] {
  if (fields(service.spec).type !== 'ExternalName') return []
  return [problem(service, 'spec.type', 'UnsupportedService', 'Services of type ExternalName are not supported')]
}

function candidates(slice: KubeObject, portName: string): Candidate[] {
  const family = slice.addressType
  if (family !== 'IPv4' && family !== 'IPv6') return []
  const ports = items(slice.ports)
    .map(fields)
    .filter((port) => text(port.name) === portName && (port.protocol ?? 'TCP') === 'TCP')
    .map((port) => port.port)
    .filter(isPortNumber)
  return items(slice.endpoints).flatMap((endpoint) => {
    const conditions = fields(fields(endpoint).conditions)
    const ready = conditions.ready !== false
    // Kubernetes: `serving` absent means the same as `ready`.
    const serving = conditions.serving === undefined ? ready : conditions.serving !== false
    const pod = text(fields(fields(endpoint).targetRef).uid)
    const [address] = items(fields(endpoint).addresses)
    return ports.map((port) => ({ address: text(address), port, family, ready, serving, pod }))
  })
}

/**
 * Ready endpoints; when none is left, those that still serve while they terminate. A pod that is listed
 * in both families counts once, by the Service's first family.
 */
function choose(candidates: readonly Candidate[], primary: string): Endpoint[] {
  const ready = candidates.filter((candidate) => candidate.ready)
  const pool = ready.length > 0 ? ready : candidates.filter((candidate) => candidate.serving)
  const inPrimary = new Set(pool.filter((it) => it.family === primary && it.pod !== '').map((it) => it.pod))
  const unique = new Map<string, Endpoint>()
  for (const { address, port, family, pod } of pool) {
    if (family !== primary && inPrimary.has(pod)) continue
    const canonical = formatAddress(parseAddress(address) ?? [])
    unique.set(`${canonical} ${port}`, { address: canonical, port })
  }
  const sorted = [...unique].sort(([left], [right]) => compareText(left, right))
  return sorted.map(([, endpoint]) => endpoint)
}

function primaryFamily(service: KubeObject): string {
  return text(items(fields(service.spec).ipFamilies)[0]) || 'IPv4'
}

function isAllowed(candidate: Candidate, context: Context, service: KubeObject, findings: Finding[]): boolean {
  const bytes = parseAddress(candidate.address)
  const refusal = bytes === undefined ? 'is not a numeric IP address' : addressRefusal(bytes, context)
  if (refusal === undefined) return hasFamily(candidate.family, context)
  const message = `endpoint address ${quoted(candidate.address)} of Service ${service.metadata.name} ${refusal}`
  findings.push(problem(service, 'endpoints', 'RefusedEndpoint', message))
  return false
}

function addressRefusal(bytes: readonly number[], context: Context): string | undefined {
  const { allowLoopback, podAddresses } = context.options
  const kind = classifyAddress(bytes)
  if (kind !== 'ordinary' && !(kind === 'loopback' && allowLoopback)) {
    return `is a ${kind} address; only addresses of pods and hosts can be a destination`
  }
  const own = podAddresses.some((address) => formatAddress(parseAddress(address) ?? []) === formatAddress(bytes))
  return own ? 'is an address of this controller itself' : undefined
}

/** In a pod without an IPv6 address, IPv6 endpoints cannot be reached. Unknown own addresses: all can. */
function hasFamily(family: 'IPv4' | 'IPv6', context: Context): boolean {
  const { podAddresses } = context.options
  return podAddresses.length === 0 || podAddresses.some((address) => address.includes(':') === (family === 'IPv6'))
}

function problem(service: KubeObject, field: string, reason: string, message: string): Finding {
  const { namespace, name, uid } = service.metadata
  const origin = { kind: 'Service', namespace, name, field, apiVersion: 'v1', ...(uid === undefined ? {} : { uid }) }
  return { origin, severity: 'warning', reason, message }
}
