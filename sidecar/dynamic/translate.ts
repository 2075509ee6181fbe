/** IR -> records. Pure; the digest names the content, so equal records are never sent twice. */
import type { Certificate } from '../ir/certificate.ts'
import type { Users } from '../ir/htpasswd.ts'
import { ANY_HOST } from '../ir/names.ts'
import { objectName } from '../ir/object-name.ts'
import type { Origin } from '../ir/origin.ts'
import type { Settings } from '../ir/settings.ts'
import type { Backend, BackendRef, Canaries, Endpoint, HealthCheck, Json, Route, StreamRoute, VirtualHost } from '../ir/types.ts'
import { globalAccess } from '../policy/access.ts'
import { globalBlocks } from '../policy/blocks.ts'
import { certificateDemand } from '../policy/client-certificate.ts'
import { locationClass, runtimePolicies, unroutedClass } from '../policy/set/effects.ts'
import { externalAuth } from '../policy/external-auth.ts'
import { globalHeaderSpellings } from '../policy/header-spellings.ts'
import type { RouteContext } from '../policy/common/policy.ts'
import { ARM_POLICIES } from '../policy/registry.ts'
import { globalRetries } from '../policy/retries.ts'
import { digestOf } from '../util/canonical.ts'
import { defined } from '../util/field.ts'
import {
  backendKey,
  certificateKey,
  type AuthorityRecord,
  type BackendRecord,
  type CertificateRecord,
  type EndpointRecord,
  type HtpasswdRecord,
  type HostRecord,
  type RouteOrigin,
  type RouteRecord,
  type SettingRecord,
  type StreamRecord,
} from './records.ts'

export interface RecordOptions {
  /** Port that a client is sent to by a redirect to https. */
  readonly httpsRedirectPort: number
  /** Port that NGINX listens on for TLS. */
  readonly httpsPort: number
}

function sealed<T extends object>(content: T): T & { readonly digest: string } {
  return { digest: digestOf(content), ...content }
}

/**
 * The record of a virtual host: its routes in order of precedence, with class and policies. Undefined:
 * nobody claims the host.
 */
export function hostRecord(host: VirtualHost, settings: Settings, options: RecordOptions): HostRecord | undefined {
  if (host.unclaimed === true) return undefined
  const context = { settings, httpsPort: options.httpsRedirectPort, ownHttpsPort: options.httpsPort, tls: host.tls }
  return sealed({
    ...hostMembers(host),
    routes: host.routes.map((route) => routeRecord(route, contextOf(route, context))),
  })
}

/** Why nobody is served: a text with words of objects, of which Lua takes Unicode only. */
function closedMember(closed: string | undefined): { readonly closed?: string } {
  return closed === undefined ? {} : { closed: closed.toWellFormed() }
}

function hostMembers({ certificate, alternatives, ciphers, clientCertificate, closed }: VirtualHost): Omit<HostRecord, 'digest' | 'routes'> {
  return {
    ...(certificate === undefined ? {} : { certificate: certificateKey(certificate) }),
    ...(alternatives === undefined ? {} : { alternatives: alternatives.map(certificateKey) }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...defined<Json>({ client_certificate: clientCertificate && certificateDemand(clientCertificate) }),
    ...closedMember(closed),
  }
}

type HostContext = Pick<RouteContext, 'settings' | 'httpsPort' | 'ownHttpsPort' | 'tls'>

function contextOf(route: Route, context: HostContext): RouteContext {
  const { path, pathType, host, fallback, origin, backends: [backend] } = route
  const own = { path, pathType, host, fallback: fallback === true, namespace: origin.namespace }
  return { ...context, ...own, ...(backend === undefined ? {} : { backend }) }
}

function routeRecord(route: Route, context: RouteContext): RouteRecord {
  const [first] = route.backends
  const className = locationClass(route.policies, context.settings)?.name
  return {
    path: route.path,
    pathType: route.pathType,
    ...(route.match === undefined ? {} : { match: route.match }),
    ...(className === undefined ? {} : { class: className }),
    backends: route.backends.map((backend) => ({ backend: backendKey(backend), weight: backend.weight })),
    ...(route.defaultBackend === undefined ? {} : { default_backend: backendKey(route.defaultBackend) }),
    policies: runtimePolicies(route.policies, context),
    ...canaryMembers(route.canaries, context),
    ...closedMember(route.closed),
    origin: originOf(route.origin, first),
  }
}

function originOf({ kind, namespace, name }: Origin, backend: BackendRef | undefined): RouteOrigin {
  return { kind, namespace, name, service: backend?.service ?? '', port: backend?.port ?? '' }
}

function canaryMembers(canaries: Canaries | undefined, context: RouteContext): Pick<RouteRecord, 'canary' | 'canaries'> {
  if (canaries === undefined) return {}
  const { arms, key = context.settings.canaryHashBy, ...shared } = canaries
  return {
    canary: { ...shared, ...(key.length === 0 ? {} : { key }) },
    canaries: arms.map(({ backend, policies, origin, ...rules }) => ({
      ...rules,
      backend: backendKey(backend),
      policies: runtimePolicies(policies, context, ARM_POLICIES),
      origin: originOf(origin, backend),
    })),
  }
}

/** The record of a Service port: where its endpoints are, and how to see that they are well. */
export function backendRecord(backend: Backend): BackendRecord {
  const { endpoints, salt, healthCheck } = backend
  return sealed({
    endpoints: endpoints.map(endpointRecord),
    ...(salt === undefined ? {} : { salt }),
    ...(healthCheck === undefined ? {} : { health_check: checkRecord(healthCheck) }),
  })
}

function checkRecord({ tls, ...check }: HealthCheck): HealthCheck {
  if (tls?.identity === undefined) return tls === undefined ? check : { ...check, tls }
  return { ...check, tls: { ...tls, identity: certificateKey(objectName(tls.identity)) } }
}

function endpointRecord({ address, port, ...rest }: Endpoint): EndpointRecord {
  return Object.keys(rest).length === 0 ? [address, port] : [address, port, rest]
}

/** Where connections and datagrams of a port, or TLS of a host, go. */
export function streamRecord({ backend, loadBalance }: Pick<StreamRoute, 'backend' | 'loadBalance'>): StreamRecord {
  return sealed({ backend: backendKey(backend), ...(loadBalance === undefined ? {} : { load_balance: loadBalance }) })
}

/** The one place that reveals a private key: the record that goes to OpenResty over the unix socket. */
export function certificateRecord(certificate: Certificate): CertificateRecord {
  const { chain, key, fingerprint } = certificate
  return { digest: fingerprint.slice(0, 16), chain, key: key.reveal() }
}

/** The record of who signs the certificates of clients; `digest`: of the PEM text. */
export function authorityRecord({ digest, pem }: { readonly digest: string; readonly pem: string }): AuthorityRecord {
  return { digest: digest.slice(0, 16), certificates: pem }
}

/** Likewise for the hashes of passwords. */
export function htpasswdRecord({ hashes, fingerprint }: Users): HtpasswdRecord {
  return { digest: fingerprint.slice(0, 16), users: JSON.parse(hashes.reveal()) as HtpasswdRecord['users'] }
}

/** Nothing: round robin without slow start, which Lua does unasked. */
function globalLoadBalance({ loadBalance, slowStart }: Settings): { readonly load_balance?: Json } {
  if (loadBalance === 'round_robin' && slowStart === 0) return {}
  return { load_balance: { algorithm: loadBalance, ...(slowStart === 0 ? {} : { slow_start: slowStart }) } }
}

/** How requests are protected that no route takes: what holds for all paths holds for them. */
function unroutedMember(settings: Settings, httpsPort: number): { readonly unrouted?: Json } {
  const className = unroutedClass(settings)?.name
  if (className === undefined) return {}
  const place = { path: '/', pathType: 'Prefix', host: ANY_HOST, fallback: true, namespace: '', tls: false } as const
  const policies = runtimePolicies({}, { ...place, settings, httpsPort, ownHttpsPort: httpsPort }, [externalAuth])
  return { unrouted: { class: className, policies } }
}

/** Where requests go that no route takes. */
function defaultMembers(settings: Settings, backend: BackendRef, port: number): Pick<SettingRecord, string> {
  return { default_backend: backendKey(backend), ...unroutedMember(settings, port) }
}

/** The record of what holds for routes without a policy of their own, and for requests without a route. */
export function globalSetting(
  settings: Settings,
  defaultBackend: BackendRef | undefined,
  options: RecordOptions,
): SettingRecord {
  return sealed({
    timeouts: {
      connect: settings.proxyConnectTimeout,
      read: settings.proxyReadTimeout,
      send: settings.proxySendTimeout,
    },
    retries: globalRetries(settings),
    retry_budget: { percent: settings.retryBudgetPercent, min_per_second: settings.retryBudgetMin },
    ejection: {
      failures: settings.ejectionConsecutiveFailures,
      time: settings.ejectionTime,
      max_time: settings.ejectionMaxTime,
      max_percent: settings.ejectionMaxPercent,
      server_errors: settings.ejectionServerErrors,
    },
    ...globalLoadBalance(settings),
    ...defined<Json>({
      access: globalAccess(settings), blocks: globalBlocks(settings), header_spellings: globalHeaderSpellings(settings),
    }),
    // Each takes two connections: a service of external authentication that hangs leaves most of them to others.
    questions: Math.floor(settings.maxWorkerConnections / 8),
    // For the declared size of a body in a location class; `location /` checks by itself.
    body_size: { max: settings.proxyBodySize },
    ...(settings.sslRejectHandshake ? { reject_handshake: true } : {}),
    ...(defaultBackend === undefined ? {} : defaultMembers(settings, defaultBackend, options.httpsPort)),
  })
}
