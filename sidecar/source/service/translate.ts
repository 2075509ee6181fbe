/** A Service port -> the addresses to send requests to. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { OWN_PREFIX, quoted } from '../../ir/names.ts'
import { objectKey } from '../../ir/object-name.ts'
import type { Finding } from '../../ir/origin.ts'
import type { Backend, BackendRef, Fragment, HealthCheck } from '../../ir/types.ts'
import { shortHash } from '../../util/canonical.ts'
import { fields, items, text } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { checkTls } from './check-protocol.ts'
import { serviceConf } from './conf.ts'
import { addressRefusal, isReachable, refusedEndpoints, serviceFinding, unreachable, type Destinations } from './destination.ts'
import { candidates, choose, type Candidate } from './endpoints.ts'
import { externalDestinations } from './external-name.ts'
import { HEALTH_CHECK, readHealthCheck, type AnnotationProblem, type HealthCheckReading } from './health-check.ts'
import { findServicePort, isExternalName, type ServicePort } from './port.ts'
import { serviceDestinations, serviceUpstreamFindings } from './upstream.ts'
import { urlBackend } from './url.ts'

const MAX_ENDPOINTS = 20_000

/**
 * Without endpoints when the Service, or its port, does not exist: the referrers have the finding.
 * @param users gives the objects that refer to it
 */
export function translateBackend(
  ref: BackendRef,
  users: () => readonly Fragment[],
  read: Reader,
  context: Context,
): Backend {
  if (ref.via === 'name') return urlBackend(ref, users(), read, context)
  const service = read.get(context.services, `${ref.namespace}/${ref.service}`)
  const port = service === undefined ? undefined : findServicePort(service, ref.port, ref.protocol)
  if (service === undefined || port === undefined) return { ...ref, endpoints: [], findings: [] }
  const { findings, ...destinations } = destinationsOf(ref, service, port, { read, context })
  const { check, problems } = healthCheckOf(service, destinations, context)
  return {
    ...ref,
    ...destinations,
    salt: saltOf(service),
    ...(check === undefined ? {} : { healthCheck: spoken(check, ref, users) }),
    findings: [
      ...findings,
      ...problems.map((it) => healthCheckFinding(service, it)),
      ...(serviceConf(service)?.findings ?? []),
      ...serviceUpstreamFindings(service, context),
    ],
  }
}

/** An address may be a destination at some ports only: what is checked has to be one, too. */
function healthCheckOf(
  service: KubeObject, { endpoints }: Pick<Destinations, 'endpoints'>, context: Context,
): HealthCheckReading {
  const reading = readHealthCheck(service.metadata.annotations ?? {})
  const port = reading.check?.port
  if (port === undefined) return reading
  const [refused] = endpoints.flatMap(({ address }) => {
    const refusal = addressRefusal({ address, port }, context)
    return refusal === undefined ? [] : [`port ${port} of ${quoted(address)} ${refusal}`]
  })
  if (refused === undefined) return reading
  const annotation = `${OWN_PREFIX}/${HEALTH_CHECK.port.annotation}`
  return { problems: [{ annotation, message: `annotation ${annotation}: ${refused}` }] }
}

/** A port of its own is for checks alone, hence without TLS. */
function spoken(check: HealthCheck, ref: BackendRef, users: () => readonly Fragment[]): HealthCheck {
  const tls = check.port === undefined ? checkTls(ref, users()) : undefined
  return tls === undefined ? check : { ...check, tls }
}

interface Work {
  readonly read: Reader
  readonly context: Context
}

function destinationsOf({ via }: BackendRef, service: KubeObject, port: ServicePort, work: Work): Destinations {
  const { read, context } = work
  if (isExternalName(service)) return externalDestinations(service, port.target ?? port.number, read, context)
  if (via === 'service') return serviceDestinations(service, port.number, read, context)
  return sliceDestinations(service, port, read, context)
}

function sliceDestinations(service: KubeObject, port: ServicePort, read: Reader, context: Context): Destinations {
  const refusals: string[] = []
  const all = read
    .lookup(context.slicesByService, objectKey(service.metadata))
    .flatMap((slice) => candidates(slice, port))
  const usable = all.filter((candidate) => isAllowed(candidate, context, service, refusals))
  const findings = [
    ...refusedEndpoints(service, 'endpoints', refusals),
    ...unreachable(all.length, refusals.length, usable.length).map((it) => serviceFinding(service, { field: 'endpoints', ...it })),
  ]
  const endpoints = choose(usable, primaryFamily(service), read.get(context.zone, '') ?? '')
  if (endpoints.length > MAX_ENDPOINTS) {
    const message = `${endpoints.length} endpoints: the first ${MAX_ENDPOINTS} by address are used`
    findings.push(serviceFinding(service, { field: 'endpoints', reason: 'TooManyEndpoints', message }))
  }
  return { endpoints: endpoints.slice(0, MAX_ENDPOINTS), findings }
}

/**
 * Mixed into what cookies of affinity say of endpoints, so that nobody can find an address by trying all.
 * The uid cannot be guessed; objects of a folder have none.
 */
function saltOf({ metadata }: KubeObject): string {
  return shortHash(metadata.uid ?? objectKey(metadata))
}

function healthCheckFinding(service: KubeObject, { annotation, message }: AnnotationProblem): Finding {
  const field = `metadata.annotations[${annotation}]`
  return serviceFinding(service, { field, reason: 'InvalidAnnotation', message: `${message}; the endpoints are not checked` })
}

function primaryFamily(service: KubeObject): string {
  return text(items(fields(service.spec).ipFamilies)[0]) || 'IPv4'
}

function isAllowed(candidate: Candidate, context: Context, service: KubeObject, refusals: string[]): boolean {
  const { address } = candidate
  const refusal = addressRefusal(candidate, context)
  if (refusal === undefined) return isReachable(address, context)
  refusals.push(`endpoint address ${quoted(address)} of Service ${service.metadata.name} ${refusal}`)
  return false
}
