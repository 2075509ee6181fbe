/** URLs that requests are sent to beside the backends of routes: `http(s)://host[:port][/path][?query]`. */
import { formatAddress, parseAddress } from './address.ts'
import { externalName } from './external-name.ts'
import { isDnsName, quoted } from './names.ts'
import { urlTemplate, type TemplatePart } from './template.ts'
import type { BackendRef } from './types.ts'
import type { Parsed } from './value.ts'

/** In place of a name: the host of the route. */
export const ROUTE_HOST = '$host'

/** JSON, as part of a policy. */
export type DestinationUrl = {
  readonly tls: boolean
  /** A DNS name in lower case, an IP address as `formatAddress` prints it, or `ROUTE_HOST`. */
  readonly host: string
  readonly port: number
  /** Path and query; begins with a text that begins with `/`. */
  readonly target: readonly TemplatePart[]
}

const MAX_LENGTH = 2048
const DEFAULT_PORTS = { http: 80, https: 443 } as const
const FORM = 'an URL http(s)://host[:port][/path] of at most 2048 characters, without a user, whose host is a DNS name, an IP address or $host'

/** Judges the name, not the addresses that it leads to: those are known later. */
export function destinationUrl(text: string): Parsed<DestinationUrl> {
  const parts = text.length <= MAX_LENGTH ? splitUrl(text) : undefined
  if (parts === undefined) return { allowed: FORM }
  const host = hostOf(parts.host)
  if (typeof host !== 'string') return { allowed: `${FORM} (${quoted(parts.host)} ${host.problem})` }
  const port = parts.port === '' ? DEFAULT_PORTS[parts.scheme] : Number(parts.port)
  if (port < 1 || port > 65_535) return { allowed: `${FORM} (the port is none)` }
  const target = urlTemplate(parts.target)
  if ('allowed' in target) return { allowed: `${FORM} (path and query: ${target.allowed})` }
  return { value: { tls: parts.scheme === 'https', host, port, target: target.value } }
}

interface UrlParts {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: string
  readonly target: string
}

function splitUrl(text: string): UrlParts | undefined {
  const match = /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[^/?#@:[\]\s]+)(?::([0-9]{1,5}))?([/?].*)?$/.exec(text)
  if (match === null) return undefined
  const [, scheme, host = '', port = '', rest = ''] = match
  const target = rest.startsWith('/') ? rest : `/${rest}`
  return { scheme: scheme === 'https' ? 'https' : 'http', host, port, target }
}

function hostOf(written: string): string | { readonly problem: string } {
  if (written === ROUTE_HOST || written === '${host}') return ROUTE_HOST
  const bytes = parseAddress(written.startsWith('[') ? written.slice(1, -1) : written)
  if (bytes !== undefined) return formatAddress(bytes)
  const name = externalName(written)
  return 'problem' in name ? name : name.name
}

/**
 * The backend that a URL of an object in `namespace` leads to, for a route of `host`; undefined: the host of the
 * route is asked for, and it is none that stands for itself (a wildcard, or any host).
 */
export function destinationOf(url: Pick<DestinationUrl, 'host' | 'port'>, namespace: string, host: string): BackendRef | undefined {
  const service = url.host === ROUTE_HOST ? host : url.host
  if (url.host === ROUTE_HOST && !isDnsName(service)) return undefined
  return { namespace, service, port: String(url.port), via: 'name' }
}

/** The Host header for a URL: with its port, unless that is the one of the scheme. */
export function hostHeader({ tls, port }: Pick<DestinationUrl, 'tls' | 'port'>, name: string): string {
  const host = name.includes(':') ? `[${name}]` : name
  return port === DEFAULT_PORTS[tls ? 'https' : 'http'] ? host : `${host}:${port}`
}
