/** Proxy (resty-ingress.io/v1alpha1) -> Fragment. Pure; a bad part is a finding and costs only itself. */
import type { Reader } from '../../collection/graph.ts'
import type { KubeObject } from '../../collection/objects.ts'
import { parseAddress } from '../../ir/address.ts'
import { meantHost } from '../../ir/host-spelling.ts'
import { ANY_HOST, quoted } from '../../ir/names.ts'
import type { Origin } from '../../ir/origin.ts'
import type { Fragment, Route } from '../../ir/types.ts'
import { merged, type Said } from '../../policy/set/merge.ts'
import { referenced } from '../../policy/set/references.ts'
import { fields, items, text, type Fields } from '../../util/field.ts'
import type { Context } from '../context.ts'
import { capped } from '../capped.ts'
import { isOurs } from '../class.ts'
import { readTls } from '../tls.ts'
import { fitting } from '../size.ts'
import { reportAnnotations } from './annotations.ts'
import { check } from './check.ts'
import { conditions } from './conditions.ts'
import { readMembers } from './policies.ts'
import { readRule } from './rule.ts'
import { HOST, MAX_HOSTS, MAX_RULES, RULE_POLICIES, SPEC_POLICIES, SPEC_SCHEMA, TLS } from './schema.ts'
import { readStreams } from './streams.ts'
import { Work } from './work.ts'

/** Rules times hosts, as many as an Ingress may have. */
const MAX_ROUTES = 10_000

/** Members of `spec` that are no policies. */
const OWN = Object.keys(fields(SPEC_SCHEMA.properties)).filter((name) => !SPEC_POLICIES.has(name))

/** Undefined: the Proxy belongs to somebody else. */
export function translateProxy(proxy: KubeObject, read: Reader, context: Context): Fragment | undefined {
  if (!isOurs(proxy, read, context)) return undefined
  const { namespace, name, uid, creationTimestamp, generation, annotations } = proxy.metadata
  const origin: Origin = {
    kind: 'Proxy', apiVersion: proxy.apiVersion, namespace, name, field: '', ...(uid === undefined ? {} : { uid }),
  }
  const work = new Work(origin, read, context)
  reportAnnotations(annotations, work)
  const spec = fields(proxy.spec)
  const hosts = readHosts(spec.hosts, work)
  const whole = readMembers(spec, { field: 'spec', policies: SPEC_POLICIES, others: OWN }, work)
  const routes = readRoutes(spec, hosts, whole, work)
  const streams = whole.closed === undefined ? readStreams(spec, work) : []
  const isMain = spec.canary === undefined || spec.canary === null
  const claims = isMain ? claimsOf(spec, hosts, routes, work) : canaryOf(routes, work)
  return {
    age: { created: creationTimestamp ?? '', name: `${namespace}/${name}` },
    origin,
    ...claims,
    ...(streams.length === 0 ? {} : { streams }),
    findings: [...work.invalid, ...work.unresolvedRefs, ...work.warnings],
    conditions: conditions(work, generation, claims.routes.length + claims.arms.length + streams.length > 0),
  }
}

type Claims = Pick<Fragment, 'hosts' | 'routes' | 'arms' | 'tls' | 'secrets' | 'configMaps'>

function claimsOf(spec: Fields, hosts: readonly string[], routes: readonly Route[], work: Work): Claims {
  const { claims, secrets, findings } = readTls(spec.tls, hosts, work)
  work.take(findings)
  reportUnknown(spec.tls, work)
  return { hosts, routes, arms: [], tls: claims, ...referenced(secrets, routes.map(({ policies }) => policies)) }
}

/** A member that is misspelled is missing: a host would be served with the default certificate. */
function reportUnknown(tls: unknown, work: Work): void {
  for (const [i, entry] of items(tls).slice(0, MAX_HOSTS).entries()) {
    const unknown = Object.keys(fields(entry)).find((name) => !Object.hasOwn(fields(TLS.properties), name))
    if (unknown !== undefined) work.report(`spec.tls[${i}]`, 'UnknownField', `${quoted(unknown)} is no field of it; it has no effect`)
  }
}

/**
 * A canary claims nothing: hosts and certificates are those of its main objects. One that cannot be understood
 * is none at all, never a main object.
 */
function canaryOf(routes: readonly Route[], work: Work): Claims {
  const arms = routes.filter(({ backends, policies }) => backends.length <= 1 && policies.canary !== undefined)
  const others = routes.filter(({ backends }) => backends.length > 1)
  for (const field of new Set(others.map(({ origin }) => origin.field))) {
    work.report(`${field}.backends`, 'InvalidCanary', 'a rule of a canary has one backend; the rule is left out')
  }
  return { hosts: [], routes: [], arms, tls: [], secrets: [] }
}

function readHosts(hosts: unknown, work: Work): string[] {
  const valid = capped(items(hosts), MAX_HOSTS, work.at('spec.hosts'), work.invalid).flatMap((host, i) => {
    const found = readHost(host, `spec.hosts[${i}]`, work)
    return found === undefined ? [] : [found]
  })
  return [...new Set(valid)]
}

function readHost(host: unknown, field: string, work: Work): string | undefined {
  const checked = check(HOST, host, field)
  if ('refusal' in checked) {
    work.refuse(checked.refusal, `the host is left out${meantHost(host)}`)
    return undefined
  }
  const name = text(checked.value)
  if (parseAddress(name) !== undefined) {
    work.report(field, 'InvalidHost', `${quoted(name)} is an address, not a DNS name; the host is left out`)
    return undefined
  }
  return name === '*' ? ANY_HOST : name
}

/** The same route for each host; what it holds beside its host is there once. */
function readRoutes(spec: Fields, hosts: readonly string[], whole: Said, work: Work): Route[] {
  const members = { field: 'spec.policies', policies: RULE_POLICIES, others: [] }
  const defaults = merged(whole, readMembers(fields(spec.policies), members, work))
  const place = work.at('spec.rules')
  const rules = capped(items(spec.rules), MAX_RULES, place, work.invalid).flatMap(
    (rule, i) => readRule(rule, `spec.rules[${i}]`, defaults, work) ?? [],
  )
  if (rules.length > 0 && hosts.length === 0) work.report('spec.hosts', 'InvalidHost', 'rules need hosts; "*" is every host')
  const routes = hosts.flatMap((host) => rules.map((rule) => ({ host, ...rule })))
  return [...fitting(capped(routes, MAX_ROUTES, place, work.invalid), place, work.invalid)]
}
