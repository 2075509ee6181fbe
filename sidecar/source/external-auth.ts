/** What external authentication of routes needs beside their own words: their hosts, ConfigMaps, and the settings. */
import type { Collection, Graph, Part, Reader } from '../collection/graph.ts'
import type { KubeObject } from '../collection/objects.ts'
import { destinationOf, type DestinationUrl } from '../ir/destination-url.ts'
import { quoted } from '../ir/names.ts'
import type { Finding, Origin } from '../ir/origin.ts'
import type { Fragment, Json, Route } from '../ir/types.ts'
import type { Parser } from '../ir/value.ts'
import { externalAuth, GLOBAL_NAMESPACE, lacksHost } from '../policy/external-auth.ts'
import { headerProblem } from '../policy/common/headers.ts'
import type { PolicyValue } from '../policy/common/policy.ts'
import { lookUp, readHeaderMap } from './configmap/headers.ts'
import type { SettingsReading } from './configmap/translate.ts'
import type { Context } from './context.ts'

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
  const { headers, problems: [first] } = readHeaderMap(found, oneLine, (it) => headerProblem(it, 'set', 'request'))
  if (first !== undefined) return closed(`: header ${first.name}: ${first.message}`)
  const steps = headers.map((it): Json => (it.text === '' ? { remove: it.name } : { set: it.name, value: [{ text: it.text }] }))
  return { value: { ...rest, request_headers: steps } }
}

/** Without variables. */
const oneLine: Parser<string> = (text) =>
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  /^[^\x00-\x1f\x7f]{0,4096}$/.test(text) ? { value: text } : { allowed: 'one line of at most 4096 characters' }

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
