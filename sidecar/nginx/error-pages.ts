/** Plain pages for what NGINX answers itself: a code and its name (RFC 9110), nothing of the server. */
import type { LocationClass } from '../policy/set/effects.ts'
import type { Directive } from '../syntax/directive.ts'

const PAGES: readonly { readonly code: number; readonly text: string }[] = [
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

export interface PageView {
  readonly code: number
  /** Undefined: the page is the bare number. */
  readonly text?: string
  readonly without_uri: boolean
  /** The connection ends with it. */
  readonly closes: boolean
}

/** Whether a class has error pages of its own, which a default backend is asked for. */
export function hasPages({ directives }: LocationClass): boolean {
  return pagesOf(directives).length > 0
}

/** The pages that there are anyway, and the bare numbers of other statuses that classes have pages for. */
export function errorPageViews(classes: readonly LocationClass[]): readonly PageView[] {
  const listed = classes.flatMap(({ directives }) => pagesOf(directives))
  const codes = new Set(listed.flatMap((it) => it.arguments.slice(0, -1).map(Number)))
  const others = codes.difference(new Set([...PAGES.map(({ code }) => code), ...OWN_STATUSES]))
  return [...PAGES, ...[...others].map((code) => ({ code }))]
    .sort((left, right) => left.code - right.code)
    .map((page) => ({ ...page, without_uri: WITHOUT_URI.has(page.code), closes: page.code === MISDIRECTED }))
}

function pagesOf(directives: readonly Directive[]): readonly Directive[] {
  return directives.filter(({ name }) => name === 'error_page')
}
