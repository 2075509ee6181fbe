/** `resty-ingress status` as text: what runs, a line for each route and port, and what is wrong. */
import type { StatusView } from '../api/inspection.ts'
import type { RouteView } from '../api/route-views.ts'
import type { StreamsView } from '../api/stream-views.ts'
import { printable, reportText } from '../explain/print.ts'
import type { Finding } from '../ir/origin.ts'
import { leftOutText } from '../pipeline/left-out.ts'

export interface StatusReport {
  readonly status: StatusView
  readonly routes: readonly RouteView[]
  readonly streams: StreamsView
  readonly findings: readonly Finding[]
}

/** More are not read by anybody who looks at a terminal. */
const MAX_FINDINGS = 20

/** Ends with a line break. */
export function printStatus({ status, routes, streams, findings }: StatusReport): string {
  const routeLines = table(ROUTE_COLUMNS, routes.flatMap(routeRows))
  const parts = [statusLines(status), routeLines, streamLines(streams), findingLines(findings)]
  return parts.filter((lines) => lines.length > 0).map((lines) => `${lines.join('\n')}\n`).join('\n')
}

function statusLines(status: StatusView): string[] {
  const { version, ready, reasons, records, findings, leftOut = 0, openresty = {} } = status
  const { generation, config_hash: hash, revision, nginx } = openresty as Readonly<Record<string, unknown>>
  const running = openresty.instance === undefined
    ? 'cannot be reached'
    : `NGINX ${String((nginx as { version?: unknown }).version)}, generation ${String(generation)} (${String(hash).slice(0, 12)}), revision ${String(revision)}`
  return [
    `resty-ingress ${version}: ${ready ? 'ready' : `not ready: ${reasons.join('; ')}`}`,
    `OpenResty: ${running}`,
    `${records} records, ${findings} findings`,
    ...(leftOut === 0 ? [] : [leftOutText(leftOut)]),
  ]
}

const ROUTE_COLUMNS = ['NAMESPACE', 'OBJECT', 'HOST', 'PATH', 'SERVICE', 'PORT', 'WEIGHT', 'ENDPOINTS']

/** A line for each backend of a route: what people used to read in the nginx.conf of ingress-nginx. */
function routeRows({ host, path, origin, backends, canaries = [], closed }: RouteView): string[][] {
  const rows = [...backends, ...canaries].map(({ service, port, weight, endpoints }) => [
    service, port, String(weight), closed === undefined ? listed(endpoints) : '(closed: 503)',
  ])
  const object = `${origin.kind}/${origin.name}`
  return (rows.length > 0 ? rows : [['-', '-', '-', '-']]).map((row) => [origin.namespace, object, host, path, ...row])
}

const STREAM_COLUMNS = ['NAMESPACE', 'OBJECT', 'LISTENER', 'SERVICE', 'PORT', 'ENDPOINTS']
const BY = {
  records: 'Endpoints of TCP, UDP and TLS passthrough change without a reload.',
  reload: 'Endpoints of TCP, UDP and TLS passthrough change by reloads: this NGINX has no stream-lua.',
}

/** Nothing where nobody uses layer 4. */
function streamLines({ endpointsBy, ports, passthrough }: StreamsView): string[] {
  const rows = [
    ...ports.map((it) => ({ ...it, listener: `${it.protocol} ${it.port}` })),
    ...passthrough.map((it) => ({ ...it, listener: `TLS ${it.host}` })),
  ].map(({ listener, origin, backend: { service, port, endpoints } }) => [
    origin.namespace, `${origin.kind}/${origin.name}`, listener, service, port, listed(endpoints),
  ])
  if (rows.length === 0) return []
  return [...(endpointsBy === undefined ? [] : [BY[endpointsBy]]), ...table(STREAM_COLUMNS, rows)]
}

function findingLines(findings: readonly Finding[]): string[] {
  const more = findings.length - MAX_FINDINGS
  const shown = findings.slice(0, MAX_FINDINGS).map((finding) => printable(reportText(finding)))
  return more > 0 ? [...shown, `... and ${more} more: /v1/findings of the admin API has all`] : shown
}

function listed(endpoints: readonly string[]): string {
  return endpoints.join(' ') || '(none)'
}

/** In columns as wide as their widest cell; the last one is as long as it likes. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns, ...rows.map((row) => row.map(printable))]
  const widths = columns.map((_, i) => all.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), 0))
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd())
}
