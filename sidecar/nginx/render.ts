/** Settings and location classes -> nginx.conf. Pure; the only user of mustache. */
import Mustache from 'mustache'
import { DEFAULT_LISTENER } from '../ir/names.ts'
import { print } from '../syntax/directive.ts'
import { compareText, sha256 } from '../util/canonical.ts'
import { answerLines, headerMapViews, hstsView, serverHeaderView } from './answers.ts'
import { authPoolViews, backendView, upstreamViews } from './backends.ts'
import { countingView } from './counting.ts'
import { errorPageViews, hasPages } from './error-pages.ts'
import type { NginxInput } from './input.ts'
import {
  eventLines,
  httpLines,
  logFormatLine,
  luaVariables,
  mainLines,
  routeVariables,
  upstreamLines,
} from './lines.ts'
import { logView } from './log-view.ts'
import { proxyHeaders } from './proxy-headers.ts'
import { forwarding, serverViews } from './servers.ts'
import { streamView } from './stream.ts'
import { asks, subrequestsView } from './subrequests.ts'
import { PARTS, TEMPLATE } from './template/template.ts'

export interface RenderedConfig {
  readonly text: string
  /** SHA-256 of the text without the hash itself. */
  readonly hash: string
  readonly classNames: readonly string[]
  /** What it was made of. */
  readonly input: NginxInput
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

function renderView(view: object): string {
  return Mustache.render(TEMPLATE, view, PARTS, { escape: refuseUnsafe })
}

function viewOf(input: NginxInput) {
  const { settings, capabilities } = input
  const forwarded = forwarding(input)
  const classes = [...input.classes].sort((left, right) => compareText(left.name, right.name))
  const logged = logView(settings, classes)
  return {
    listener: DEFAULT_LISTENER,
    threads: classes.some(({ threads }) => threads === true),
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
    auth_pools: authPoolViews(classes, settings),
    upstreams: classes.flatMap((it) => upstreamViews(it, settings)),
    identities: classes.some(({ identity }) => identity !== undefined),
    classes: classes.map((it) => ({
      ...backendView(it, settings, forwarded),
      filters: it.filters === true || hasPages(it) || asks(it),
      external_auth: asks(it),
      custom_errors: hasPages(it),
    })),
    proxy_headers: proxyHeaders(forwarded),
    original_uri: settings.proxyAddOriginalUriHeader,
    custom_errors: classes.some(hasPages),
    has_filters: classes.some((it) => it.filters === true || asks(it)),
    ...subrequestsView(classes),
    subrequest_headers: proxyHeaders({ ...forwarded, further_headers: [] }).filter(({ name }) => name !== 'Host'),
    auth_access_log: settings.enableAuthAccessLog,
    error_pages: errorPageViews(classes),
    hsts: hstsView(settings),
    trust_forwarded: settings.useForwardedHeaders,
    trusted_ranges: settings.proxyRealIpCidr,
    ...forwarded,
  }
}
