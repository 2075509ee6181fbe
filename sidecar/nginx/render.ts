/** Settings and location classes -> nginx.conf. Pure; the only user of mustache. */
import Mustache from 'mustache'
import { DEFAULT_LISTENER } from '../ir/names.ts'
import { compareText, sha256 } from '../util/canonical.ts'
import type { LocationClass } from '../policy/effects.ts'
import { backendView, upstreamViews } from './backends.ts'
import { answerLines, headerMapViews, hstsView, serverHeaderView } from './answers.ts'
import { countingView } from './counting.ts'
import { print, type Directive } from './directive.ts'
import type { NginxInput } from './input.ts'
import { MIRROR_LOCATION, MIRROR_VARIABLES } from './mirror-template.ts'
import { logView } from './log-view.ts'
import { proxyHeaders } from './proxy-headers.ts'
import { forwarding, serverViews } from './servers.ts'
import { STREAM_TEMPLATE } from './stream-template.ts'
import { streamView } from './stream.ts'
import { TEMPLATE } from './template.ts'
import {
  eventLines,
  httpLines,
  logFormatLine,
  luaVariables,
  mainLines,
  routeVariables,
  upstreamLines,
} from './lines.ts'

export interface RenderedConfig {
  readonly text: string
  /** SHA-256 of the text without the hash itself. */
  readonly hash: string
  readonly classNames: readonly string[]
  /** What it was made of. */
  readonly input: NginxInput
}

/** Plain pages for what NGINX answers itself: a code and its name (RFC 9110), nothing of the server. */
const ERROR_PAGES: readonly { readonly code: number; readonly text: string }[] = [
  { code: 400, text: 'Bad Request' },
  { code: 401, text: 'Unauthorized' },
  { code: 403, text: 'Forbidden' },
  { code: 404, text: 'Not Found' },
  { code: 405, text: 'Method Not Allowed' },
  { code: 408, text: 'Request Timeout' },
  { code: 413, text: 'Content Too Large' },
  { code: 414, text: 'URI Too Long' },
  { code: 421, text: 'Misdirected Request' },
  { code: 429, text: 'Too Many Requests' },
  { code: 500, text: 'Internal Server Error' },
  { code: 501, text: 'Not Implemented' },
  { code: 502, text: 'Bad Gateway' },
  { code: 503, text: 'Service Unavailable' },
  { code: 504, text: 'Gateway Timeout' },
  { code: 505, text: 'HTTP Version Not Supported' },
]

/** Of NGINX alone: their page is that of 400. */
const OWN_STATUSES: readonly number[] = [494, 495, 496, 497]

/** Its client is to come again by another connection. */
const MISDIRECTED = 421

/** Statuses of a request line that cannot be read: there is no URI then, and without one no named location. */
const WITHOUT_URI: ReadonlySet<number> = new Set([400, 414, 505])

function asks(directives: readonly Directive[]): boolean {
  return directives.some(({ name }) => name === 'auth_request')
}

/** The locations that copies of requests are sent from. */
function mirrorsOf(classes: readonly LocationClass[]) {
  const named = classes.flatMap(({ directives }) => directives.filter(({ name }) => name === 'mirror'))
  const locations = new Set(named.flatMap((it) => it.arguments.map(String)))
  return [...locations].sort().map((location) => ({ location, without_body: location === '//mirror_without_body' }))
}

function hasPages(directives: readonly Directive[]): boolean {
  return directives.some(({ name }) => name === 'error_page')
}

/** And the bare numbers of other statuses that classes have pages for. */
function pagesFor(classes: readonly LocationClass[]): readonly { readonly code: number; readonly text?: string }[] {
  const listed = classes.flatMap(({ directives }) => directives.filter(({ name }) => name === 'error_page'))
  const codes = new Set(listed.flatMap((it) => it.arguments.slice(0, -1).map(Number)))
  const others = codes.difference(new Set([...ERROR_PAGES.map(({ code }) => code), ...OWN_STATUSES]))
  return [...ERROR_PAGES, ...[...others].map((code) => ({ code }))].sort((left, right) => left.code - right.code)
}

/**
 * Nothing that the view holds may need escaping: a character that would is a bug, not text to mend. Only the
 * log format holds more than bare tokens; directive.ts alone quotes it.
 */
function refuseUnsafe(value: unknown): string {
  const text = String(value)
  if (!/^([A-Za-z0-9_ ./:@*=;$[\]!+-]*|"")$/.test(text)) throw new TypeError(`unsafe text in nginx.conf: ${JSON.stringify(text)}`)
  return text
}

/** The whole `nginx.conf`; equal input gives equal bytes, hence the same hash. */
export function renderConfig(input: NginxInput): RenderedConfig {
  const view = viewOf(input)
  const hash = sha256(renderView({ ...view, hash: '' }))
  return { text: renderView({ ...view, hash }), hash, classNames: view.classes.map(({ name }) => name), input }
}

const PARTIALS = { mirror_variables: MIRROR_VARIABLES, mirror_location: MIRROR_LOCATION }

function renderView(view: object): string {
  return Mustache.render(TEMPLATE + STREAM_TEMPLATE, view, PARTIALS, { escape: refuseUnsafe })
}

function viewOf(input: NginxInput) {
  const { settings, capabilities } = input
  const forwarded = forwarding(input)
  const classes = [...input.classes].sort((left, right) => compareText(left.name, right.name))
  const mirrors = mirrorsOf(classes)
  const logged = logView(settings, classes)
  return {
    listener: DEFAULT_LISTENER,
    main: mainLines(settings).map(print),
    events: eventLines(settings).map(print),
    log_format: print(logFormatLine(settings)),
    variables: luaVariables(settings),
    route_variables: routeVariables(settings).map((name) => `$${name}`),
    http: httpLines(settings, capabilities, logged.unlogged).map(print),
    ...logged,
    request_ids: settings.generateRequestId,
    proxy_http_version: settings.proxyHttpVersion,
    upstream: upstreamLines(settings).map(print),
    servers: serverViews(input),
    counting: input.counting === undefined ? undefined : countingView(input.counting),
    stream: streamView(input),
    answers: answerLines(settings, capabilities).map(print),
    ...headerMapViews(settings),
    ...serverHeaderView(settings, capabilities),
    upstreams: classes.flatMap((it) => upstreamViews(it, settings)),
    identities: classes.some(({ identity }) => identity !== undefined),
    classes: classes.map(({ directives, filters, ...rest }) => ({
      ...backendView({ directives, ...rest }, settings, forwarded),
      filters: filters === true || hasPages(directives) || asks(directives),
      external_auth: asks(directives),
      custom_errors: hasPages(directives),
    })),
    proxy_headers: proxyHeaders(forwarded),
    original_uri: settings.proxyAddOriginalUriHeader,
    custom_errors: classes.some(({ directives }) => hasPages(directives)),
    has_filters: classes.some(({ filters, directives }) => filters === true || asks(directives)),
    external_auth: classes.some(({ directives }) => asks(directives)),
    subrequest_headers: proxyHeaders({ ...forwarded, further_headers: [] }).filter(({ name }) => name !== 'Host'),
    auth_access_log: settings.enableAuthAccessLog,
    subrequests: mirrors.length > 0 || classes.some(({ directives }) => asks(directives)),
    mirrored: mirrors.length > 0,
    mirrors,
    error_pages: pagesFor(classes).map((page) => ({
      ...page, without_uri: WITHOUT_URI.has(page.code), closes: page.code === MISDIRECTED,
    })),
    hsts: hstsView(settings),
    trust_forwarded: settings.useForwardedHeaders,
    trusted_ranges: settings.useForwardedHeaders ? settings.proxyRealIpCidr : [],
    ...forwarded,
  }
}
