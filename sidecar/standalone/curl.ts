/** Command lines that can be pasted, one for each route that leads somewhere. */
import type { RouteView } from '../api/route-views.ts'
import { ANY_HOST } from '../ir/names.ts'

export interface Reach {
  /** As in a URL: an IPv6 address in brackets. */
  readonly address: string
  readonly httpPort: number
  readonly httpsPort: number
  /** The environment names a proxy, which curl would ask even for addresses of this machine. */
  readonly proxied: boolean
}

/** Whether the environment, as it is for curl, names a proxy. */
export function namesProxy(env: NodeJS.ProcessEnv): boolean {
  return ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].some((name) => (env[name] ?? '') !== '')
}

const MAX_LINES = 12
/** Nothing that a shell or a terminal would take for something else. */
const PLAIN_PATH = /^\/[A-Za-z0-9._~/-]*$/

interface Target {
  /** Absent: any. */
  readonly host?: string
  readonly path: string
}

/** At most `MAX_LINES` lines over HTTP, then one over HTTPS for a host. Empty: no route leads anywhere. */
export function curlLines(routes: readonly RouteView[], reach: Reach): string[] {
  const targets = routes.filter(leadsSomewhere).map(targetOf)
  const shown = targets.slice(0, MAX_LINES).map((target) => httpLine(target, reach))
  const more = targets.length > MAX_LINES ? [`# and ${targets.length - MAX_LINES} more`] : []
  const named = targets.find(({ host }) => host !== undefined)
  return [...shown, ...more, ...(named?.host === undefined ? [] : [httpsLine(named.host, named.path, reach)])]
}

function leadsSomewhere({ path, pathType, backends, closed }: RouteView): boolean {
  const hasEndpoints = backends.some(({ weight, endpoints }) => weight > 0 && endpoints.length > 0)
  return hasEndpoints && closed === undefined && pathType !== 'Regex' && PLAIN_PATH.test(path)
}

function targetOf({ host, path }: RouteView): Target {
  return host === ANY_HOST ? { path } : { host: host.replace(/^\*/, 'any'), path }
}

function curl({ proxied }: Reach): string {
  return proxied ? "curl --noproxy '*'" : 'curl'
}

function httpLine({ host, path }: Target, reach: Reach): string {
  const header = host === undefined ? '' : `-H 'Host: ${host}' `
  return `${curl(reach)} ${header}http://${reach.address}:${reach.httpPort}${path}`
}

/** TLS chooses by the name in the handshake: curl must believe that the name is here. */
function httpsLine(host: string, path: string, reach: Reach): string {
  const { address, httpsPort } = reach
  return `${curl(reach)} -k --resolve ${host}:${httpsPort}:${address} https://${host}:${httpsPort}${path}`
}
