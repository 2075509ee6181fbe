/** Ingress (networking.k8s.io/v1) -> Fragment. Pure; a bad part is a finding and costs only itself. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { parseAddress } from '../../ir/address.ts'
import { ANY_HOST, isHost, quoted } from '../../ir/names.ts'
import type { Finding, ObjectRef, Origin } from '../../ir/origin.ts'
import type { BackendRef, Fragment, Route } from '../../ir/types.ts'
import { readPolicies, type PolicyReading } from '../../policy/set/annotations.ts'
import { canaryPolicy } from '../../policy/canary.ts'
import { referenced } from '../../policy/set/references.ts'
import { rewritesPath } from '../../policy/rewrite.ts'
import { fields, items, type Fields } from '../../util/field.ts'
import { allowsCrossNamespace, type Context } from '../context.ts'
import { readDefaultBackend } from '../default-backend.ts'
import { routePolicies } from '../policies.ts'
import { fitting } from '../size.ts'
import { readAliases } from './alias.ts'
import { readBackend } from './backend.ts'
import { capped } from '../capped.ts'
import { isOurs } from '../class.ts'
import { judged } from './judge.ts'
import { readPassthrough } from './passthrough.ts'
import { pathNotice, readPath, strictPath, type PathReading } from '../path.ts'
import { readSnippet, withSnippet } from './snippet.ts'
import { readTls } from '../tls.ts'
import { wwwRoutes } from './www.ts'

/** Far above what people write; without an end one object could hold up all others. */
const MAX_RULES = 10_000
const MAX_PATHS = 10_000

/** Everything that the translation of one Ingress passes along. */
interface Work {
  readonly origin: Origin
  readonly read: Reader
  readonly context: Context
  readonly reading: PolicyReading
  /** Of every route. */
  readonly defaultBackend: Pick<Route, 'defaultBackend'>
  readonly findings: Finding[]
}

/** Undefined: the Ingress belongs to somebody else. */
export function translateIngress(ingress: KubeObject, read: Reader, context: Context): Fragment | undefined {
  if (!isOurs(ingress, read, context)) return undefined
  const { namespace, name, uid, creationTimestamp } = ingress.metadata
  const object = { kind: 'Ingress', apiVersion: 'networking.k8s.io/v1', namespace, name, ...(uid === undefined ? {} : { uid }) }
  const origin: Origin = { ...object, field: '' }
  const all = readAnnotations(ingress, object, read, context)
  const reading = judged(all, ingress.metadata.annotations ?? {}, object, { read, context })
  const work: Work = { origin, read, context, reading, ...beside(reading, read, context) }
  const spec = fields(ingress.spec)
  checkSpec(spec, work)
  const hosts = readHosts(spec.rules, work)
  const names = hosts.map(({ host }) => host)
  const declared = [...pathRoutes(hosts, work), ...defaultRoutes(spec, names, work)]
  const routes = [...declared, ...appRootRoutes(names, declared, work)]
  const common = { age: { created: creationTimestamp ?? '', name: `${namespace}/${name}` }, origin }
  if (canaryPolicy(reading.policies).enabled === true) return { ...common, ...asCanary(routes, work) }
  const www = wwwRoutes(names, reading, origin)
  const alias = readAliases(names, reading, origin)
  const tls = readTls(spec.tls, [...names, ...www.map(({ host }) => host), ...alias.names], work)
  const { passthrough, findings } = readPassthrough(declared, reading, context.options.sslPassthrough)
  return {
    ...common,
    routes: [...routes, ...www],
    arms: [],
    hosts: [...new Set([...names, ...routes.map((route) => route.host)])],
    tls: tls.claims,
    ...referenced(tls.secrets, [reading.policies]),
    ...alias.members,
    ...(passthrough.length === 0 ? {} : { passthrough }),
    findings: [...work.findings, ...alias.findings, ...tls.findings, ...findings],
  }
}

/** What the annotations say, with the snippet among them where that is read. */
function readAnnotations(ingress: KubeObject, object: ObjectRef, read: Reader, context: Context): PolicyReading {
  const { annotations = {} } = ingress.metadata
  const { annotationsPrefix: prefix, snippets } = context.options
  const snippet = snippets === 'typed' ? readSnippet(annotations, prefix, object) : undefined
  const own = readPolicies(snippet?.annotations ?? annotations, prefix, object, allowsCrossNamespace(read, context))
  return snippet === undefined ? own : withSnippet(own, snippet)
}

/** What the annotations say beside the policies, and what is wrong with all of them. */
function beside(reading: PolicyReading, read: Reader, context: Context): Pick<Work, 'defaultBackend' | 'findings'> {
  const { ref, findings = [] } = readDefaultBackend(reading, read, context) ?? {}
  const defaultBackend = ref === undefined ? {} : { defaultBackend: ref }
  return { defaultBackend, findings: [...reading.findings, ...findings] }
}

/** A canary claims nothing: hosts and certificates are those of its main objects. */
function asCanary(routes: readonly Route[], { findings }: Work): Omit<Fragment, 'age' | 'origin'> {
  return { routes: [], arms: routes, hosts: [], tls: [], secrets: [], findings }
}

/** The API server refuses such an object; in a file, what holds the rules may be mistyped. */
function checkSpec({ rules, defaultBackend, tls }: Fields, work: Work): void {
  if (items(rules).length > 0 || defaultBackend !== undefined || items(tls).length > 0) return
  report(work, 'spec', 'InvalidSpec', 'neither rules nor defaultBackend is there; nothing is served')
}

function report(work: Work, field: string, reason: string, message: string): void {
  work.findings.push({ origin: { ...work.origin, field }, severity: 'error', reason, message })
}

interface RuleHost {
  readonly host: string
  readonly rule: unknown
  readonly field: string
}

function readHosts(rules: unknown, work: Work): RuleHost[] {
  const origin = { ...work.origin, field: 'spec.rules' }
  return capped(items(rules), MAX_RULES, origin, work.findings).flatMap((rule, i): RuleHost[] => {
    const field = `spec.rules[${i}]`
    const host = readHost(fields(rule).host)
    if (host !== undefined) return [{ host, rule, field }]
    const allowed = 'a DNS name in lower case, or "*." and a DNS name'
    report(work, `${field}.host`, 'InvalidHost', `host ${quoted(fields(rule).host)} must be ${allowed}`)
    return []
  })
}

function readHost(host: unknown): string | undefined {
  if (host === undefined || host === '') return ANY_HOST
  return typeof host === 'string' && isHost(host) && parseAddress(host) === undefined ? host : undefined
}

function pathRoutes(hosts: readonly RuleHost[], work: Work): Route[] {
  const paths = hosts.flatMap(({ host, rule, field }) =>
    items(fields(fields(rule).http).paths).map((path, i) => ({ host, path, field: `${field}.http.paths[${i}]` })),
  )
  const origin = { ...work.origin, field: 'spec.rules[].http.paths' }
  const routes = capped(paths, MAX_PATHS, origin, work.findings).flatMap(
    ({ host, path, field }) => readRoute(host, path, field, work) ?? [],
  )
  return [...fitting(routes, origin, work.findings)]
}

function readRoute(host: string, entry: unknown, field: string, work: Work): Route | undefined {
  const { path, pathType, backend } = fields(entry)
  const reading = strictly(pathReading(path, pathType, work), work)
  const ref = backendRef(backend, `${field}.backend`, work)
  if ('problem' in reading) {
    report(work, `${field}.path`, reading.reason, reading.problem)
    return undefined
  }
  if (ref === undefined) return undefined
  const message = pathNotice(reading)
  if (message !== undefined) {
    work.findings.push({ origin: { ...work.origin, field: `${field}.path` }, severity: 'warning', reason: 'LiteralStar', message })
  }
  return { host, ...reading, ...common(ref, `${field}.path`, work) }
}

function strictly(reading: PathReading, { read, context }: Work): PathReading {
  return read.get(context.objectSettings, '')?.strictValidatePathType === true ? strictPath(reading) : reading
}

/** A canary may leave `use-regex` to its main object: what can be no plain path is an expression there. */
function pathReading(path: unknown, pathType: unknown, { reading }: Work): PathReading {
  const { regex, canary } = reading.policies
  const plain = readPath(path, pathType, fields(regex).use === true || rewritesPath(reading.policies, path))
  if (!('problem' in plain) || fields(canary).enabled !== true) return plain
  const pattern = readPath(path, pathType, true)
  return 'problem' in pattern ? plain : pattern
}

function backendRef(backend: unknown, field: string, work: Work): BackendRef | undefined {
  const { ref, problem } = readBackend(backend, work.origin.namespace, work.read, work.context)
  if (problem !== undefined) report(work, field, problem.reason, problem.message)
  return ref
}

function common(ref: BackendRef, field: string, work: Work): Omit<Route, 'host' | 'path' | 'pathType'> {
  return {
    backends: [{ ...ref, weight: 1 }],
    ...routePolicies(work.reading, ref, work.read, work.context),
    ...work.defaultBackend,
    origin: { ...work.origin, field },
  }
}

/**
 * `spec.defaultBackend`: for the hosts of the rules it takes what no path takes; an Ingress without
 * rules makes it the catch-all of the controller (ingress-nginx; `--disable-catch-all` turns that off).
 */
function defaultRoutes(spec: Readonly<Record<string, unknown>>, hosts: readonly string[], work: Work): Route[] {
  if (spec.defaultBackend === undefined) return []
  const withoutRules = items(spec.rules).length === 0
  if (withoutRules && work.context.options.disableCatchAll) {
    report(work, 'spec.defaultBackend', 'CatchAllDisabled', 'a default backend without rules is not served: --disable-catch-all')
    return []
  }
  const ref = backendRef(spec.defaultBackend, 'spec.defaultBackend', work)
  if (ref === undefined) return []
  const path = { path: '/', pathType: 'Prefix' as const, fallback: true as const }
  const targets = withoutRules ? [ANY_HOST] : [...new Set(hosts)]
  return targets.map((host) => ({ host, ...path, ...common(ref, 'spec.defaultBackend', work) }))
}

/**
 * `app-root` holds for `/` of the host, also where the object has no path of its own that takes it
 * (ingress-nginx), so there it gets one.
 */
function appRootRoutes(hosts: readonly string[], declared: readonly Route[], work: Work): Route[] {
  const { app_root: appRoot } = work.reading.policies
  if (appRoot === undefined || canaryPolicy(work.reading.policies).enabled === true) return []
  const taken = new Set(declared.filter(({ path }) => path === '/').map(({ host }) => host))
  const { app_root: source = {} } = work.reading.sources
  return [...new Set(hosts)].filter((host) => !taken.has(host)).map((host) => ({
    host,
    path: '/',
    pathType: 'Exact',
    owners: true,
    backends: [],
    policies: { app_root: appRoot },
    sources: { app_root: source },
    origin: source.path ?? work.origin,
  }))
}
