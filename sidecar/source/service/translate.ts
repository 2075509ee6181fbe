/** A Service port and its EndpointSlices -> the addresses to send requests to. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { classifyAddress, formatAddress, parseAddress } from '../../ir/address.ts'
import { quoted } from '../../ir/names.ts'
import { objectKey } from '../../ir/object-name.ts'
import type { Finding } from '../../ir/origin.ts'
import type { Backend, BackendRef, HealthCheck } from '../../ir/types.ts'
import { sha256 } from '../../util/canonical.ts'
import { fields, items, text } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { candidates, choose, type Candidate } from './endpoints.ts'
import { readHealthCheck } from './health-check.ts'
import { findServicePort } from './port.ts'

const MAX_ENDPOINTS = 20_000

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
  const endpoints = choose(usable, primaryFamily(service), read.get(context.zone, '') ?? '')
  if (endpoints.length > MAX_ENDPOINTS) {
    const message = `${endpoints.length} endpoints: the first ${MAX_ENDPOINTS} by address are used`
    findings.push(problem(service, 'endpoints', 'TooManyEndpoints', message))
  }
  return {
    ...ref,
    endpoints: endpoints.slice(0, MAX_ENDPOINTS),
    salt: saltOf(service),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    findings,
  }
}

/**
 * Mixed into what cookies of affinity say of endpoints, so that nobody can find an address by trying all.
 * The uid cannot be guessed; objects of a folder have none.
 */
function saltOf({ metadata }: KubeObject): string {
  return sha256(metadata.uid ?? objectKey(metadata)).slice(0, 16)
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
