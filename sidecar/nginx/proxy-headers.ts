/** The headers that backends get from the configuration, whatever the client sent under their names. */
import { headerVariable } from '../ir/header-text.ts'
import type { Settings } from '../ir/settings.ts'
import type { StandardHeader } from '../policy/common/standard-headers.ts'

export interface ProxyHeader {
  readonly name: string
  readonly value: string
}

/** Of the port that a client came to; variables are for the template. */
export interface Arrival {
  readonly behind_front: boolean
  /** Clients know our port for TLS by another number. */
  readonly maps_ports: boolean
  readonly https_port: number
  readonly known_https_port: number
  /** Load balancers that are believed speak PROXY protocol. */
  readonly trust_balancer: boolean
  /** The port of ours. */
  readonly listener_port: string
  /** The port and scheme that the client used, whatever headers say. */
  readonly client_port: string
  readonly client_scheme: string
}

/** Names of variables, for the template. */
export interface Forwarding extends Arrival {
  readonly forwarded_for: string
  readonly forwarded_host: string
  readonly forwarded_port: string
  readonly forwarded_scheme: string
  /** The address of who sent the request, whose forwarded headers may count. */
  readonly peer_addr: string
  /** Beside the standard ones, or in their place: what settings say. */
  readonly further_headers: readonly ProxyHeader[]
}

/** A constant, which costs nothing: the header is not sent, whoever sent it. */
const NONE = '""'

/** Names as they are sent, with the variables that hold their values. */
function standardHeaders(forwarding: Forwarding): Readonly<Record<StandardHeader, ProxyHeader>> {
  const { forwarded_for: chain, forwarded_host: host, forwarded_port: port, forwarded_scheme: scheme } = forwarding
  return {
    host: { name: 'Host', value: host },
    'x-request-id': { name: 'X-Request-ID', value: '$req_id' },
    'x-real-ip': { name: 'X-Real-IP', value: '$remote_addr' },
    'x-forwarded-for': { name: 'X-Forwarded-For', value: chain },
    'x-forwarded-host': { name: 'X-Forwarded-Host', value: host },
    'x-forwarded-port': { name: 'X-Forwarded-Port', value: port },
    'x-forwarded-proto': { name: 'X-Forwarded-Proto', value: scheme },
    'x-forwarded-scheme': { name: 'X-Forwarded-Scheme', value: scheme },
    'x-scheme': { name: 'X-Scheme', value: scheme },
    'x-original-forwarded-for': { name: 'X-Original-Forwarded-For', value: '$http_x_forwarded_for' },
    'x-original-forwarded-host': { name: 'X-Original-Forwarded-Host', value: '$http_x_forwarded_host' },
    'ssl-client-verify': { name: 'ssl-client-verify', value: NONE },
    'ssl-client-subject-dn': { name: 'ssl-client-subject-dn', value: NONE },
    'ssl-client-issuer-dn': { name: 'ssl-client-issuer-dn', value: NONE },
    'ssl-client-cert': { name: 'ssl-client-cert', value: NONE },
  }
}

/** What settings say beside the standard ones, or in their place. */
export function furtherHeaders(settings: Settings): readonly ProxyHeader[] {
  const { proxyAddOriginalUriHeader, proxySetHeaders: { headers } } = settings
  const named = headers.map(({ name }) => ({ name, value: `$${headerVariable('request', name)}` }))
  const isNamed = named.some(({ name }) => name.toLowerCase() === 'x-original-uri')
  return [...(proxyAddOriginalUriHeader && !isNamed ? [{ name: 'X-Original-URI', value: '$request_uri' }] : []), ...named]
}

/**
 * Those that settings name come last, in place of ours. All but those that Lua sets itself (`own`), which then go out
 * like any header of the client; except for Host, which NGINX would make up: Lua says it in a variable.
 */
export function proxyHeaders(forwarding: Forwarding, own: readonly StandardHeader[] = []): readonly ProxyHeader[] {
  const further = new Set(forwarding.further_headers.map(({ name }) => name.toLowerCase()))
  const headers = Object.entries(standardHeaders(forwarding)) as [StandardHeader, ProxyHeader][]
  const standard = headers.flatMap(([key, header]) => {
    if (!own.includes(key)) return further.has(key) ? [] : [header]
    return key === 'host' ? [{ ...header, value: '$upstream_host' }] : []
  })
  const isOwn = ({ name }: ProxyHeader): boolean => (own as readonly string[]).includes(name.toLowerCase())
  return [...standard, ...forwarding.further_headers.filter((header) => !isOwn(header))]
}
