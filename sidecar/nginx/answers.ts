/** What the configuration says about answers: Strict-Transport-Security, Server, what is hidden, compression. */
import { headerVariable, type HeaderText } from '../ir/header-text.ts'
import type { Settings } from '../ir/settings.ts'
import { bytes, directive, headerName, headerText, keyword, mediaType, number, onOff, type Directive } from '../syntax/directive.ts'
import type { Capabilities } from './input.ts'

const HSTS = 'strict-transport-security'

export interface HeaderMapView {
  readonly name: string
  readonly variable: string
  /** In quotes. */
  readonly text: string
}

/** Undefined: none, and what backends say passes. */
export function hstsView(settings: Settings): Readonly<Record<string, unknown>> | undefined {
  if (!settings.hsts) return undefined
  const { hstsMaxAge, hstsIncludeSubdomains, hstsPreload, hideHeaders } = settings
  return {
    max_age: hstsMaxAge,
    subdomains: hstsIncludeSubdomains,
    preload: hstsPreload,
    from_backend: !hideHeaders.includes(HSTS),
  }
}

/**
 * Whose `Server` answers have. Without headers_more NGINX cannot be kept from naming itself.
 */
export function serverHeaderView(settings: Settings, capabilities: Capabilities): Readonly<Record<string, boolean>> {
  const mayHide = capabilities.headers_more && !settings.serverTokens
  const ofBackend = settings.allowBackendServerHeader
  return { hide_server_header: mayHide && !ofBackend, only_server_of_backend: mayHide && ofBackend }
}

/** What clients get of the headers of backends. */
export function answerHeaderLines(settings: Settings): readonly Directive[] {
  return [
    ...(settings.allowBackendServerHeader ? [directive('proxy_pass_header', headerName('Server'))] : []),
    ...settings.hideHeaders.map((name) => directive('proxy_hide_header', headerName(name))),
    ...replacedHeaders(settings).map((name) => directive('proxy_hide_header', headerName(name))),
  ]
}

/** Headers that all answers have, whatever backends say; but cookies are told apart by what is in them. */
function replacedHeaders({ addHeaders, hideHeaders }: Settings): readonly string[] {
  const kept = new Set(['set-cookie', ...hideHeaders])
  return addHeaders.headers.map(({ name }) => name).filter((name) => !kept.has(name.toLowerCase()))
}

/** A variable for each header that settings say, so that a route can change it. */
export function headerMapViews(
  { addHeaders, proxySetHeaders }: Settings,
): Readonly<Record<string, readonly HeaderMapView[]>> {
  const view = (direction: 'request' | 'response') => ({ name, text }: HeaderText): HeaderMapView =>
    ({ name: headerName(name), variable: `$${headerVariable(direction, name)}`, text: headerText(text) })
  return { sent_headers: proxySetHeaders.headers.map(view('request')), added_headers: addHeaders.headers.map(view('response')) }
}

/** In `http`. As ingress-nginx: answers of proxies are compressed too, and caches are told. */
export function answerLines(settings: Settings, capabilities: Capabilities): readonly Directive[] {
  const compressed = [...gzipLines(settings), ...brotliLines(settings, capabilities)]
  return [
    directive('server_tokens', onOff(settings.serverTokens)),
    ...answerHeaderLines(settings),
    ...compressed,
    ...(compressed.length === 0 ? [] : [directive('gzip_vary', onOff(true))]),
  ]
}

function gzipLines({ useGzip, gzipLevel, gzipMinLength, gzipTypes }: Settings): readonly Directive[] {
  if (!useGzip) return []
  return [
    directive('gzip', onOff(true)),
    directive('gzip_comp_level', number(gzipLevel, 1, 9)),
    directive('gzip_min_length', bytes(gzipMinLength)),
    ...(gzipTypes.length === 0 ? [] : [directive('gzip_types', ...gzipTypes.map(mediaType))]),
    directive('gzip_proxied', keyword('any')),
  ]
}

/** NGINX would refuse directives of a module that it does not have. */
function brotliLines(settings: Settings, capabilities: Capabilities): readonly Directive[] {
  const { enableBrotli, brotliLevel, brotliMinLength, brotliTypes } = settings
  if (!enableBrotli || capabilities.brotli !== true) return []
  return [
    directive('brotli', onOff(true)),
    directive('brotli_comp_level', number(brotliLevel, 0, 11)),
    directive('brotli_min_length', bytes(brotliMinLength)),
    ...(brotliTypes.length === 0 ? [] : [directive('brotli_types', ...brotliTypes.map(mediaType))]),
  ]
}
