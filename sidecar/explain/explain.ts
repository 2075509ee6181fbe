/** What happens to a request, and why: pure, from the records and from where their policies were said. */
import {
  GLOBAL_SETTING_KEY,
  type HostRecord,
  type BackendRecord,
  type CanaryRecord,
  type EndpointRecord,
  type RouteRecord,
  type SettingRecord,
  type StreamRecord,
} from '../dynamic/records.ts'
import { shownPolicies } from '../dynamic/redaction.ts'
import { isSameObject, type Finding, type Origin } from '../ir/origin.ts'
import type { Json, PolicySet, PolicySources, RouteMatch } from '../ir/types.ts'
import { armShares, type ArmShare } from './canary.ts'
import { findListener } from './listener.ts'
import { findHost, matchingRoutes, type HostMatch, type Records } from './match.ts'
import { outcomeOf } from './outcome.ts'
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
  /** Of a canary: its object, what of a request it goes by beside its weight, and whether it takes this one. */
  readonly canary?: {
    readonly kind: string
    readonly namespace: string
    readonly name: string
    readonly header?: CanaryRecord['header']
    readonly cookie?: string
    readonly share: ArmShare
  }
  /** For when none of the others has an endpoint, and for pages of errors. */
  readonly isDefault?: true
  readonly endpoints: readonly EndpointExplanation[]
}

export interface Explanation {
  readonly request: { readonly method: string; readonly scheme: string; readonly host: string; readonly path?: string }
  /** What takes the connection: `HTTP`, `TLS`, or a port of layer 4. */
  readonly listener: string
  readonly outcome: string
  /** Where layer 4 sends the connection as it is: no route, and nothing that a route says, has a part in it. */
  readonly passed?: BackendExplanation
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
  const { listener, passed } = findListener(request, sources.records)
  const nothing = {
    request: { method, scheme, host: request.host, ...(path === undefined ? {} : { path }) },
    listener,
    others: [],
    findings: [],
  }
  if (passed !== undefined) return { ...nothing, ...passedOn(passed, sources) }
  if (scheme === 'tcp' || scheme === 'udp') return { ...nothing, outcome: 'refused: nobody listens there' }
  if (path === undefined) return { ...nothing, outcome: '400: the path cannot be understood' }
  const host = findHost(sources.records, request.host)
  if (host === undefined) return { ...nothing, outcome: unrouted('no object claims this host', sources) }
  const [first, ...rest] = candidates(host, request, sources)
  const shown = { ...nothing, host: hostView(host) }
  if (first === undefined) return { ...shown, outcome: unrouted('no route of this host takes the request', sources, host.record) }
  const others = rest.slice(0, MOST_OTHERS).map(({ record, notes }) => summary(record, notes))
  return { ...shown, ...taken(first, rest[0], { ...sources, request }), others }
}

function passedOn({ backend }: StreamRecord, sources: ExplainSources): Pick<Explanation, 'outcome' | 'passed' | 'findings'> {
  const passed = backendView(backend, 1, sources)
  return {
    outcome: passed.endpoints.length === 0 ? 'closed: the backend has no endpoint' : 'passed on to an endpoint as it is',
    passed,
    findings: aboutServices([backend], sources.findings),
  }
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

type AskedSources = ExplainSources & { readonly request: ExplainRequest }
type Taken = Pick<Explanation, 'outcome' | 'route' | 'findings'>

function taken({ record, notes }: Candidate, next: Candidate | undefined, sources: AskedSources): Taken {
  const { default_backend: last, canaries = [] } = record
  const shares = armShares(canaries, sources.request)
  const backends = [
    ...record.backends.map(({ backend, weight }) => backendView(backend, weight, sources)),
    ...canaries.map((arm, i) => armView(arm, shares[i] ?? 'weight', sources)),
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
  return { outcome: outcomeOf(record, sources, destination(backends)), route, findings }
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

function armView(arm: CanaryRecord, share: ArmShare, sources: ExplainSources): BackendExplanation {
  const { backend, weight, origin: { kind, namespace, name }, header, cookie } = arm
  const rules = { ...(header === undefined ? {} : { header }), ...(cookie === undefined ? {} : { cookie }) }
  return { ...backendView(backend, weight, sources), canary: { kind, namespace, name, ...rules, share } }
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
  const keys = [...record.backends, ...(record.canaries ?? [])].map(({ backend }) => backend)
  const ofServices = new Set(aboutServices(keys, findings))
  return findings.filter((finding) => isSameObject(finding.origin, object) || ofServices.has(finding))
}

/** @param backends record keys */
function aboutServices(backends: readonly string[], findings: readonly Finding[]): Finding[] {
  const services = new Set(backends.map((key) => key.split('/').slice(1, 3).join('/')))
  return findings.filter(({ origin: { kind, namespace, name } }) => kind === 'Service' && services.has(`${namespace}/${name}`))
}
