/** What external authentication of routes needs beside their own words: their hosts, ConfigMaps, and the settings. */
import type { Collection, Graph, Part, Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import { destinationOf, type DestinationUrl } from '../ir/destination-url.ts'
import { quoted } from '../ir/names.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, Json, Route } from '../ir/types.ts'
import { externalAuth, GLOBAL_NAMESPACE, lacksHost } from '../policy/external-auth.ts'
import { headerProblem } from '../policy/headers.ts'
import type { PolicyValue } from '../policy/policy.ts'
import { texts } from '../util/field.ts'
import { lookUp } from './configmap/headers.ts'
import type { SettingsReading } from './configmap/translate.ts'
import type { Context } from './context.ts'

const MAX_HEADERS = 64
const CLOSES = 'it protects, so the paths answer 503'

interface Closed {
  readonly field: string
  readonly message: string
  /** Nobody has looked yet: there is nothing to tell. */
  readonly pending?: boolean
}

/** The same fragment, with headers of ConfigMaps in its routes; a route whose question is not known is closed. */
export function withExternalAuth(fragment: Fragment, read: Reader, context: Context): Fragment {
  if (fragment.routes.every(({ policies }) => policies[externalAuth.name] === undefined)) return fragment
  const findings = new Map<string, Finding>()
  const routes = fragment.routes.map((route) => {
    const value = route.policies[externalAuth.name] as PolicyValue | undefined
    if (value?.url === undefined) return route
    const ready = completed(value, route.host, read, context)
    if (!('message' in ready)) return { ...route, policies: { ...route.policies, [externalAuth.name]: ready.value } }
    const finding = closedFinding(ready, route)
    if (ready.pending !== true) findings.set(JSON.stringify(finding), finding)
    return { ...route, closed: route.closed ?? finding.message }
  })
  return { ...fragment, routes, findings: [...fragment.findings, ...findings.values()] }
}

function closedFinding({ field, message }: Closed, { sources, origin }: Route): Finding {
  const from: Origin = sources[externalAuth.name]?.[field] ?? origin
  return { origin: from, severity: 'error', reason: 'InvalidExternalAuth', message: `${message}; ${CLOSES}` }
}

type Completed = { readonly value: PolicyValue } | Closed

function completed(value: PolicyValue, host: string, read: Reader, context: Context): Completed {
  if (lacksHost(value, host)) {
    return { field: 'url', message: `$host in the URL of external authentication means one name, and host ${quoted(host)} is none` }
  }
  const { proxy_headers: name, ...rest } = value
  if (name === undefined) return { value }
  const configMaps = lookUp(read, context.configMaps, context.listed)
  const found = configMaps.get(String(name))
  const closed = (message: string): Closed => ({ field: 'proxy_headers', message: `ConfigMap ${String(name)}${message}` })
  if (found === undefined) {
    return { ...closed(' with headers for external authentication is not there'), pending: !configMaps.isListed(String(name)) }
  }
  const headers = headersOf(texts(found.data))
  if (typeof headers === 'string') return closed(`: ${headers}`)
  return { value: { ...rest, request_headers: headers } }
}

/** Values are text, without variables; or what is wrong. */
function headersOf(data: Readonly<Record<string, string>>): readonly Json[] | string {
  const entries = Object.entries(data)
  if (entries.length > MAX_HEADERS) return `it has more than ${MAX_HEADERS} keys`
  const steps: Json[] = []
  for (const [name, text] of entries) {
    const problem = headerProblem(name, 'set', 'request')
    if (problem !== undefined) return problem
    // eslint-disable-next-line no-control-regex -- control characters are what is refused
    if (/[\x00-\x1f\x7f]/.test(text) || text.length > 4096) return `the value of ${name} must be one line of at most 4096 characters`
    steps.push(text === '' ? { remove: name } : { set: name, value: [{ text }] })
  }
  return steps
}

/** The fragment of the settings, which are under '': the host of `global-auth-url` is asked for. */
export function globalAuthPart(
  graph: Graph,
  settings: Collection<SettingsReading>,
  configMap: string,
  { configMaps }: Context,
): Part<KubeObject, Fragment> {
  return {
    prefix: 'GlobalAuth',
    input: graph.map(settings, (_, read) => read.get(configMaps, configMap)),
    compute: (object, read) => globalFragment(object, read.get(settings, '')?.settings.globalAuthUrl),
  }
}

function globalFragment({ metadata }: KubeObject, url: DestinationUrl | undefined): Fragment | undefined {
  const ref = url === undefined ? undefined : destinationOf(url, GLOBAL_NAMESPACE, '')
  if (ref === undefined) return undefined
  const { namespace, name } = metadata
  const origin = { kind: 'ConfigMap', apiVersion: 'v1', namespace, name, field: 'data[global-auth-url]' }
  const age = { created: '', name: `${namespace}/${name}` }
  return { age, origin, hosts: [], routes: [], arms: [], tls: [], secrets: [], destinations: [ref], findings: [] }
}
