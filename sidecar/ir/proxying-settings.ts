/** Settings of what goes between us and backends, and of what answers of backends say about themselves. */
import { NO_HEADERS, type HeaderMap } from './header-text.ts'
import type { Replacement } from './replacement.ts'

export interface ProxyingSettings {
  /** Bytes; 0 = what follows from the other buffers. */
  readonly proxyBusyBuffersSize: number
  /** Bytes; 0 = none. */
  readonly proxyMaxTempFileSize: number
  readonly proxyHttpVersion: '1.0' | '1.1'
  /** Undefined: cookies and redirects of backends stay as they are. */
  readonly proxyCookieDomain: Replacement | undefined
  readonly proxyCookiePath: Replacement | undefined
  /** '': none. */
  readonly proxyRedirectFrom: string
  readonly proxyRedirectTo: string
  readonly disableProxyInterceptErrors: boolean
  /** Redirects to https keep a `/` at the end of the path. */
  readonly preserveTrailingSlash: boolean
  readonly relativeRedirects: boolean
  readonly usePortInRedirects: boolean
  readonly proxyAddOriginalUriHeader: boolean
  /** Of all answers. */
  readonly addHeaders: HeaderMap
  /** Of all requests to backends. */
  readonly proxySetHeaders: HeaderMap
  /** In lower case: what `custom-headers` may set. */
  readonly globalAllowedResponseHeaders: readonly string[]
}

/** The defaults of ingress-nginx, except where a comment says otherwise. */
export const DEFAULT_PROXYING_SETTINGS: ProxyingSettings = {
  proxyBusyBuffersSize: 0,
  proxyMaxTempFileSize: 1024 ** 3,
  proxyHttpVersion: '1.1',
  proxyCookieDomain: undefined,
  proxyCookiePath: undefined,
  proxyRedirectFrom: '',
  proxyRedirectTo: '',
  disableProxyInterceptErrors: false,
  // ingress-nginx takes it off: another path than the one that was asked for.
  preserveTrailingSlash: true,
  relativeRedirects: false,
  usePortInRedirects: false,
  proxyAddOriginalUriHeader: false,
  addHeaders: NO_HEADERS,
  proxySetHeaders: NO_HEADERS,
  globalAllowedResponseHeaders: [],
}
