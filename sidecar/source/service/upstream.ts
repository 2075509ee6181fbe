/** `service-upstream`: requests of a route go to the Service's own address, which the cluster spreads. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { parseAddress } from '../../ir/address.ts'
import { OWN_PREFIX, quoted } from '../../ir/names.ts'
import { objectKey } from '../../ir/object-name.ts'
import type { Finding } from '../../ir/origin.ts'
import type { BackendRef, Fragment, Route } from '../../ir/types.ts'
import { boolean } from '../../ir/value.ts'
import { serviceUpstream } from '../../policy/service-upstream.ts'
import { fields, items, text } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { addressRefusal, isReachable, ownAddresses, serviceFinding, unreachable, type Destinations } from './destination.ts'

/**
 * The same fragment, with the Services' own addresses as backends of the routes that want them: as their own
 * object says, else their Service, else the settings. It holds for the route alone, and not for others with the
 * same Service. A Service without an address (headless) has only its endpoints.
 */
export function withServiceUpstreams(fragment: Fragment, read: Reader, context: Context): Fragment {
  const routes = fragment.routes.map((route) => chosen(route, read, context))
  const arms = fragment.arms.map((arm) => chosen(arm, read, context))
  const isSame = routes.every((it, i) => it === fragment.routes[i]) && arms.every((it, i) => it === fragment.arms[i])
  return isSame ? fragment : { ...fragment, routes, arms }
}

function chosen(route: Route, read: Reader, context: Context): Route {
  const own = fields(route.policies[serviceUpstream.name]).use
  if (own === false) return route
  const isWanted = (ref: BackendRef): boolean => isServiceWanted(ref, own === true, read, context)
  if (!route.backends.some(isWanted)) return route
  return { ...route, backends: route.backends.map((ref) => (isWanted(ref) ? { ...ref, via: 'service' as const } : ref)) }
}

function isServiceWanted(ref: BackendRef, byRoute: boolean, read: Reader, context: Context): boolean {
  const service = read.get(context.services, `${ref.namespace}/${ref.service}`)
  if (service === undefined || clusterAddresses(service).length === 0) return false
  if (byRoute) return true
  const annotation = annotationOf(service, context)
  const parsed = annotation === undefined ? { allowed: '' } : boolean(annotation.text)
  if ('value' in parsed) return parsed.value
  return read.get(context.referenceSettings, '')?.serviceUpstream === true
}

interface Annotation {
  readonly name: string
  readonly text: string
}

function annotationOf({ metadata }: KubeObject, { options }: Context): Annotation | undefined {
  const names = [OWN_PREFIX, options.annotationsPrefix].map((prefix) => `${prefix}/${serviceUpstream.fields.use.annotation}`)
  const name = names.find((it) => (metadata.annotations?.[it] ?? '') !== '')
  return name === undefined ? undefined : { name, text: (metadata.annotations?.[name] ?? '').trim() }
}

/** What is wrong with the annotation of a Service. */
export function serviceUpstreamFindings(service: KubeObject, context: Context): readonly Finding[] {
  const annotation = annotationOf(service, context)
  const parsed = annotation === undefined ? { value: true } : boolean(annotation.text)
  if (annotation === undefined || 'value' in parsed) return []
  const message = `annotation ${annotation.name}: ${quoted(annotation.text)} is refused; allowed: ${parsed.allowed}; it counts as not set`
  return [serviceFinding(service, { field: `metadata.annotations[${annotation.name}]`, reason: 'InvalidAnnotation', message })]
}

/** The addresses that the cluster gave to a Service, the one of its first family first; none of a headless one. */
function clusterAddresses({ spec }: KubeObject): string[] {
  const { clusterIP, clusterIPs, type } = fields(spec)
  if (type === 'ExternalName') return []
  const list = clusterIPs === undefined ? [clusterIP] : items(clusterIPs)
  return list.map(text).filter((address) => parseAddress(address) !== undefined)
}

/** One endpoint: the Service's first address of a family that we have. */
export function serviceDestinations(service: KubeObject, port: number, read: Reader, context: Context): Destinations {
  const own = ownAddresses(read, context)
  const findings: Finding[] = []
  const all = clusterAddresses(service)
  const usable = all.filter((address) => {
    const refusal = addressRefusal({ address, port }, context, own)
    if (refusal === undefined) return isReachable(address, context)
    const message = `address ${quoted(address)} of Service ${objectKey(service.metadata)} ${refusal}`
    findings.push(serviceFinding(service, { field: 'spec.clusterIPs', reason: 'RefusedEndpoint', message }))
    return false
  })
  const more = unreachable(all.length, findings.length, usable.length)
  findings.push(...more.map((it) => serviceFinding(service, { field: 'spec.clusterIPs', ...it })))
  return { endpoints: usable.slice(0, 1).map((address) => ({ address, port })), findings }
}
