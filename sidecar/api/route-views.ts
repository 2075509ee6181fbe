/** What the admin API shows of routes: where each leads, and what is behind it. */
import type { BackendRecord, DataRecord, EndpointRecord, HostRecord, RecordKey, RouteRecord } from '../dynamic/records.ts'

export interface RouteView {
  readonly host: string
  readonly path: string
  readonly pathType: string
  readonly origin: { readonly kind: string; readonly namespace: string; readonly name: string }
  readonly backends: readonly BackendView[]
  /** Those that take a share of the requests; weights out of `canaryTotal`. */
  readonly canaries?: readonly CanaryView[]
  readonly canaryTotal?: number
  /** Names only: the values of some policies are not for everybody. */
  readonly policies: readonly string[]
  readonly class?: string
  readonly closed?: string
  /** `namespace/name` of the Secret; absent: the default certificate. */
  readonly certificate?: string
}

export interface CanaryView extends BackendView {
  readonly origin: RouteView['origin']
}

export interface BackendView {
  readonly namespace: string
  readonly service: string
  readonly port: string
  readonly weight: number
  /** `address:port`, IPv6 addresses in brackets, and ` draining` or ` other zone` where that is so. */
  readonly endpoints: readonly string[]
}

type Records = ReadonlyMap<RecordKey, DataRecord>

/** The routes of all hosts, or of one, in the order of the records and of precedence within a host. */
export function routeViews(records: Records, onlyHost?: string): RouteView[] {
  const views: RouteView[] = []
  for (const [key, record] of records) {
    const [kind, , host = ''] = key.split('/')
    if (kind !== 'host' || (onlyHost !== undefined && host !== onlyHost)) continue
    const { routes, certificate } = record as HostRecord
    views.push(...routes.map((route) => routeView(host, route, certificate, records)))
  }
  return views
}

function routeView(host: string, route: RouteRecord, certificate: RecordKey | undefined, records: Records): RouteView {
  const { kind, namespace, name } = route.origin
  return {
    host,
    path: route.path,
    pathType: route.pathType,
    origin: { kind, namespace, name },
    backends: route.backends.map(({ backend, weight }) => backendView(backend, weight, records)),
    ...canaryViews(route, records),
    policies: Object.keys(route.policies),
    ...(route.class === undefined ? {} : { class: route.class }),
    ...(route.closed === undefined ? {} : { closed: route.closed }),
    ...(certificate === undefined ? {} : { certificate: certificate.slice('certificate/'.length) }),
  }
}

function canaryViews({ canary, canaries }: RouteRecord, records: Records): Pick<RouteView, 'canaries' | 'canaryTotal'> {
  if (canary === undefined || canaries === undefined) return {}
  const views = canaries.map(({ backend, weight, origin: { kind, namespace, name } }) => ({
    origin: { kind, namespace, name },
    ...backendView(backend, weight, records),
  }))
  return { canaries: views, canaryTotal: canary.total }
}

function backendView(key: RecordKey, weight: number, records: Records): BackendView {
  const [, namespace = '', service = '', port = ''] = key.split('/')
  const record = records.get(key) as BackendRecord | undefined
  return { namespace, service, port, weight, endpoints: (record?.endpoints ?? []).map(endpointText) }
}

/** `address:port`, and what is special about it. */
export function endpointText([address, port, rest]: EndpointRecord): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `${host}:${port}${rest?.draining === true ? ' draining' : ''}${rest?.priority === 1 ? ' other zone' : ''}`
}
