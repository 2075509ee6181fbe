/** The headers for answers that the annotation `custom-headers` takes from a ConfigMap. */
import type { Reader } from '../collection/graph.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, Json, Route } from '../ir/types.ts'
import type { Parser } from '../ir/value.ts'
import { customHeaders } from '../policy/custom-headers.ts'
import { byName, headerProblem, mergeHeaders, valued } from '../policy/common/headers.ts'
import type { PolicyValue } from '../policy/common/policy.ts'
import { responseHeaders } from '../policy/response-headers.ts'
import { fields } from '../util/field.ts'
import { lookUp, readHeaderMap } from './configmap/headers.ts'
import type { Context } from './context.ts'

/** As ingress-nginx; nothing in it has a meaning. */
const literal: Parser<string> = (text) =>
  /^[ -~]{0,4096}$/.test(text) ? { value: text } : { allowed: 'at most 4096 printable characters of ASCII' }

/** Its headers, or why the routes are closed; `pending`: it has not been looked up yet. */
type Outcome = { readonly headers: PolicyValue } | { readonly problem: string; readonly pending?: true }

/**
 * The same fragment, with these headers in its routes. As in ingress-nginx a ConfigMap with anything that is not
 * allowed closes them: answers may need these headers to be safe.
 */
export function withCustomHeaders(fragment: Fragment, read: Reader, context: Context): Fragment {
  if (!fragment.routes.some(({ policies }) => customHeaders.name in policies)) return fragment
  const outcomes = new Map<string, Outcome>()
  const findings = new Map<string, Finding>()
  const routes = fragment.routes.map((route) => {
    const name = fields(route.policies[customHeaders.name]).from
    if (typeof name !== 'string') return route
    const outcome = outcomes.get(name) ?? outcomeOf(name, read, context)
    outcomes.set(name, outcome)
    const origin = route.sources[customHeaders.name]?.from ?? route.origin
    if ('headers' in outcome) return withHeaders(route, outcome.headers, origin)
    const message = `${outcome.problem}; the paths of this object answer 503`
    const finding: Finding = { origin, severity: 'error', reason: 'InvalidCustomHeaders', message }
    if (outcome.pending !== true) findings.set(JSON.stringify(origin), finding)
    return { ...route, closed: route.closed ?? outcome.problem }
  })
  return { ...fragment, routes, findings: [...fragment.findings, ...findings.values()] }
}

function outcomeOf(configMap: string, read: Reader, context: Context): Outcome {
  const { get, isListed } = lookUp(read, context.configMaps, context.listed)
  const object = get(configMap)
  const problem = `ConfigMap ${configMap} of annotation custom-headers`
  if (object === undefined) return { problem: `${problem} is not there`, ...(isListed(configMap) ? {} : { pending: true }) }
  const allowed = new Set(read.get(context.referenceSettings, '')?.globalAllowedResponseHeaders)
  const check = (name: string): string | undefined =>
    headerProblem(name, 'set', 'response') ??
    (allowed.has(name.toLowerCase()) ? undefined : 'the key global-allowed-response-headers does not list it')
  const { headers, problems: [first] } = readHeaderMap(object, literal, check)
  if (first !== undefined) return { problem: `${problem}: header ${first.name}: ${first.message}` }
  return { headers: byName(headers.flatMap(({ name, text }) => valued('set', name, text === '' ? [] : [{ text }]))) }
}

/** Above what a `conf` says of the same headers; of none, the route as it is. */
function withHeaders(route: Route, headers: PolicyValue, origin: Origin): Route {
  if (Object.keys(headers).length === 0) return route
  const { name } = responseHeaders
  const below = fields(route.policies[name]) as { readonly [name: string]: Json }
  const sources = Object.fromEntries(Object.keys(headers).map((header) => [header, origin]))
  return {
    ...route,
    policies: { ...route.policies, [name]: mergeHeaders(below, headers) },
    sources: { ...route.sources, [name]: { ...route.sources[name], ...sources } },
  }
}
