/** What happens to a request, and why: pure, from the records and from where their policies were said. */
import {
  GLOBAL_SETTING_KEY,
  type HostRecord,
  type BackendRecord,
  type CanaryRecord,
  type EndpointRecord,
  type RouteRecord,
  type SettingRecord,
} from '../dynamic/records.ts'
import { shownPolicies } from '../dynamic/redaction.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Json, PolicySet, PolicySources, RouteMatch } from '../ir/types.ts'
import { findHost, matchingRoutes, type HostMatch, type Records } from './match.ts'
import { why } from './precedence.ts'
import { routedPath, type ExplainRequest } from './request.ts'

/** What records do not hold of a route: its object and field, and where its policies were said. */
export interface RouteNotes {
  readonly origin: Origin
  readonly policies: PolicySet
  readonly sources: PolicySources
}

/** Endpoints that get no requests now, by `address:port`: why. */
export type BackendHealth = ReadonlyMap<string, string>

export interface ExplainSources {
  readonly records: Records
  /** Of a virtual host by its name, in the order of its record. */
  notes(host: string): readonly RouteNotes[]
  readonly findings: readonly Finding[]
  /** By record key of the backend; undefined: nobody was asked. */
  readonly health?: ReadonlyMap<string, BackendHealth>
}

export interface RouteSummary {
  readonly path: string
  readonly pathType: string
  readonly match?: RouteMatch
  readonly object: Origin
}

export interface PolicyExplanation {
  readonly name: string
  /** What Lua applies; absent: it acts by directives of the class alone. */
  readonly value?: Json
  /** Field -> object and field (and line) that set it; none: the settings did. */
  readonly setBy: Readonly<Record<string, Origin>>
}

export interface EndpointExplanation {
  readonly address: string
  readonly state: string
}

export interface BackendExplanation {
  /** Record key. */
  readonly backend: string
  readonly weight: number
  /** Of a canary: its object. */
  readonly canary?: { readonly kind: string; readonly namespace: string; readonly name: string }
  /** For when none of the others has an endpoint, and for pages of errors. */
  readonly isDefault?: true
  readonly endpoints: readonly EndpointExplanation[]
}

export interface Explanation {
  readonly request: { readonly method: string; readonly scheme: string; readonly host: string; readonly path?: string }
  readonly outcome: string
  readonly host?: { readonly name: string; readonly how: string; readonly certificate: string }
  readonly route?: RouteSummary & {
    readonly why: string
    readonly class: string
    readonly closed?: string
    readonly policies: readonly PolicyExplanation[]
    readonly backends: readonly BackendExplanation[]
  }
  /** Routes of the host that would take the request too, in order of precedence. */
  readonly others: readonly RouteSummary[]
  /** About the object of the route and its backends. */
  readonly findings: readonly Finding[]
}

/** The class that a route without directives of its own has. */
const ORDINARY = 'ordinary'
const MOST_OTHERS = 10

/** Never fails: what is in the way of the request is the answer. */
export function explain(request: ExplainRequest, sources: ExplainSources): Explanation {
  const { method, scheme } = request
  const path = routedPath(request.path)
  const nothing = {
    request: { method, scheme, host: request.host, ...(path === undefined ? {} : { path }) },
    others: [],
    findings: [],
  }
  if (path === undefined) return { ...nothing, outcome: '400: the path cannot be understood' }
  const host = findHost(sources.records, request.host)
  if (host === undefined) return { ...nothing, outcome: unrouted('no object claims this host', sources) }
  const [first, ...rest] = candidates(host, request, sources)
  const shown = { ...nothing, host: hostView(host) }
  if (first === undefined) return { ...shown, outcome: unrouted('no route of this host takes the request', sources, host.record) }
  const others = rest.slice(0, MOST_OTHERS).map(({ record, notes }) => summary(record, notes))
  return { ...shown, ...taken(first, rest[0], { ...sources, scheme }), others }
}

interface Candidate {
  readonly record: RouteRecord
  readonly notes: RouteNotes | undefined
}

/** The routes that take the request, in order of precedence. */
function candidates(host: HostMatch, request: ExplainRequest, sources: ExplainSources): Candidate[] {
  const { routes } = host.record
  const notes = sources.notes(host.name)
  return matchingRoutes(routes, request).flatMap((position) => {
    const record = routes[position]
    return record === undefined ? [] : [{ record, notes: notes[position] }]
  })
}

type AskedSources = ExplainSources & Pick<ExplainRequest, 'scheme'>
type Taken = Pick<Explanation, 'outcome' | 'route' | 'findings'>

function taken({ record, notes }: Candidate, next: Candidate | undefined, sources: AskedSources): Taken {
  const { default_backend: last } = record
  const backends = [
    ...record.backends.map(({ backend, weight }) => backendView(backend, weight, sources)),
    ...(record.canaries ?? []).map((arm) => armView(arm, sources)),
    ...(last === undefined ? [] : [{ ...backendView(last, 0, sources), isDefault: true as const }]),
  ]
  const object = originOf(record, notes)
  const route = {
    ...summary(record, notes),
    why: why(record, next?.record),
    class: record.class ?? ORDINARY,
    ...(record.closed === undefined ? {} : { closed: record.closed }),
    policies: policyViews(record, notes),
    backends,
  }
  const findings = aboutRoute(object, record, sources.findings)
  return { outcome: outcome(record, backends, sources.scheme), route, findings }
}

/** In the order in which Lua decides. */
function outcome(route: RouteRecord, backends: readonly BackendExplanation[], scheme: string): string {
  if (route.closed !== undefined) return `503: ${route.closed}`
  const mayAnswer = SOMETIMES_ANSWERING.filter((name) => name in route.policies)
  const condition = mayAnswer.length === 0 ? '' : `, unless ${mayAnswer.join(' or ')} answers first`
  return `${ofRoute(route, scheme) ?? destination(backends)}${condition}`
}

/** Policies that answer every request, and those that answer some. */
const ALWAYS_ANSWERING: readonly string[] = ['redirect', 'direct_response']
const SOMETIMES_ANSWERING: readonly string[] = ['app_root', 'cors', 'limits', 'access', 'basic_auth', 'external_auth']

function ofRoute({ policies }: RouteRecord, scheme: string): string | undefined {
  const answering = ALWAYS_ANSWERING.find((name) => name in policies)
  if (answering !== undefined) return `answered by the policy ${answering}`
  return scheme === 'http' && 'tls_redirect' in policies ? 'sent to https by the policy tls_redirect' : undefined
}

function destination(backends: readonly BackendExplanation[]): string {
  const able = backends.filter(({ endpoints }) => endpoints.length > 0)
  if (able.some((backend) => backend.isDefault !== true)) return 'sent to an endpoint'
  if (able.length > 0) return 'sent to the default backend: no other has an endpoint'
  return backends.length === 0 ? '503: the route has no backend' : '503: no backend has an endpoint'
}

/** Where a request goes that no route takes, of a host that has a record or of another one. */
function unrouted(what: string, { records }: ExplainSources, host?: HostRecord): string {
  if (host?.closed !== undefined) return `503: ${host.closed}`
  const setting = (records.get(GLOBAL_SETTING_KEY) ?? {}) as Partial<SettingRecord>
  const { default_backend: backend, unrouted: guard } = setting
  const first = host?.client_certificate === undefined ? '' : 'when the certificate of the client is accepted, '
  if (backend === undefined) return `${first}404: ${what}`
  const asked = guard === undefined ? '' : 'when the service of external authentication lets it in, '
  return `${first}${asked}sent to the default backend ${String(backend)}, if that has an endpoint, else 404: ${what}`
}

function hostView({ name, how, record }: HostMatch): NonNullable<Explanation['host']> {
  return { name, how, certificate: record.certificate ?? 'certificate/default' }
}

function originOf(record: RouteRecord, notes: RouteNotes | undefined): Origin {
  const { kind, namespace, name } = record.origin
  return notes?.origin ?? { kind, namespace, name, field: '' }
}

function summary(record: RouteRecord, notes: RouteNotes | undefined): RouteSummary {
  const { path, pathType, match } = record
  return { path, pathType, ...(match === undefined ? {} : { match }), object: originOf(record, notes) }
}

function policyViews(record: RouteRecord, notes: RouteNotes | undefined): PolicyExplanation[] {
  const policies = shownPolicies(record.policies)
  const names = new Set([...Object.keys(notes?.policies ?? {}), ...Object.keys(policies)])
  return [...names].sort().map((name) => {
    const value = policies[name]
    return { name, ...(value === undefined ? {} : { value }), setBy: notes?.sources[name] ?? {} }
  })
}

function backendView(backend: string, weight: number, { records, health }: ExplainSources): BackendExplanation {
  const record = records.get(backend) as BackendRecord | undefined
  const unwell = health?.get(backend)
  const endpoints = (record?.endpoints ?? []).map((endpoint) => endpointView(endpoint, unwell, health !== undefined))
  return { backend, weight, endpoints }
}

function armView({ backend, weight, origin }: CanaryRecord, sources: ExplainSources): BackendExplanation {
  const { kind, namespace, name } = origin
  return { ...backendView(backend, weight, sources), canary: { kind, namespace, name } }
}

type Endpoint = EndpointExplanation

function endpointView([host, port, rest]: EndpointRecord, unwell: BackendHealth | undefined, asked: boolean): Endpoint {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const marks = [...(rest?.draining === true ? ['draining'] : []), ...(rest?.priority === 1 ? ['other zone'] : [])]
  const state = unwell?.get(address) ?? (asked ? 'ok' : 'not asked')
  return { address, state: [state, ...marks].join(', ') }
}

/** What is wrong with the object of the route, or with the Services that it leads to. */
function aboutRoute(object: Origin, record: RouteRecord, findings: readonly Finding[]): Finding[] {
  const keys = [...record.backends, ...(record.canaries ?? [])].map(({ backend }) => backend.split('/'))
  const services = new Set(keys.map(([, namespace, service]) => `${namespace}/${service}`))
  return findings.filter(({ origin: { kind, namespace, name } }) => {
    if (kind === object.kind && namespace === object.namespace && name === object.name) return true
    return kind === 'Service' && services.has(`${namespace}/${name}`)
  })
}
