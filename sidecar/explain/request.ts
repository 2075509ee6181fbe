/** A request to explain, and what NGINX makes of its target before routes see it. */

export interface ExplainRequest {
  /** Of layer 4, `tcp` and `udp`, there is nothing but the port. */
  readonly scheme: 'http' | 'https' | 'tcp' | 'udp'
  /** As a Host header: with the port where it is not the usual one. */
  readonly host: string
  /** Host and port of the URL: where the client connects to, and the name that it says in TLS. */
  readonly authority: string
  /** As the client sends it: escaped, without the query. */
  readonly path: string
  /** Without the `?`; empty: none. */
  readonly query: string
  readonly method: string
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

const LONGEST_URL = 8192
const MOST_HEADERS = 100
/** Scheme, authority, path, query: the path as it was written, since a URL parser would already clean it. */
const URL_PARTS = /^(https?|tcp|udp):\/\/([^/?#]+)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i
const METHOD = /^[A-Z][A-Z-]{0,31}$/
const HEADER_NAME = /^[A-Za-z0-9_-]{1,128}$/

/** The request; text: what is wrong with its description. `headers`: `name: value` each. */
export function readRequest(url: string, method: string, headers: readonly string[]): ExplainRequest | string {
  if (url.length > LONGEST_URL) return `the URL is longer than ${LONGEST_URL} characters`
  const target = readUrl(url)
  if (target === undefined) return `${JSON.stringify(url)} is no URL such as http://test.domain.com/web/v1`
  if (!METHOD.test(method)) return `${JSON.stringify(method)} is no method such as GET`
  const read = readHeaders(headers)
  if (typeof read === 'string') return read
  const host = read.findLast(([name]) => name === 'host')?.[1] ?? target.host
  return { ...target, host, method, headers: read }
}

function readUrl(url: string): Pick<ExplainRequest, 'scheme' | 'host' | 'authority' | 'path' | 'query'> | undefined {
  const parts = URL_PARTS.exec(url)
  if (parts === null) return undefined
  const [, scheme = '', userAndHost = '', path = '', query = ''] = parts
  const authority = userAndHost.replace(/^[^@]*@/, '')
  return {
    scheme: scheme.toLowerCase() as ExplainRequest['scheme'],
    host: authority,
    authority,
    path: path === '' ? '/' : path,
    query,
  }
}

function readHeaders(texts: readonly string[]): (readonly [string, string])[] | string {
  if (texts.length > MOST_HEADERS) return `more than ${MOST_HEADERS} headers`
  const headers: (readonly [string, string])[] = []
  for (const text of texts) {
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(0, colon))
    if (!HEADER_NAME.test(name)) return `${JSON.stringify(text)} is no header such as "X-User: alice"`
    headers.push([name.toLowerCase(), text.slice(colon + 1).trim()])
  }
  return headers
}

const PERCENT = 0x25
const SLASH = 0x2f

/**
 * The path that routes are compared with: decoded once, slashes merged, `.` and `..` resolved, as
 * `ngx_http_parse_complex_uri` does. A byte is a character. Undefined: NGINX answers 400.
 */
export function routedPath(path: string): string | undefined {
  const bytes = decoded(Buffer.from(path, 'utf8'))
  if (bytes === undefined || bytes[0] !== SLASH) return undefined
  const segments: string[] = []
  const parts = bytes.toString('latin1').split('/').slice(1)
  for (const part of parts) {
    if (part === '..' && segments.pop() === undefined) return undefined
    if (!NO_NAMES.has(part)) segments.push(part)
  }
  const isFolder = NO_NAMES.has(parts.at(-1) ?? '') && segments.length > 0
  return `/${segments.join('/')}${isFolder ? '/' : ''}`
}

/** Segments that name nothing. */
const NO_NAMES: ReadonlySet<string> = new Set(['', '.', '..'])

/** Undefined: a `%` without two hexadecimal digits, or a NUL. */
function decoded(bytes: Buffer): Buffer | undefined {
  const plain: number[] = []
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte !== PERCENT) plain.push(byte)
    else {
      const digits = bytes.toString('latin1', i + 1, i + 3)
      if (!/^[0-9a-f]{2}$/i.test(digits) || digits === '00') return undefined
      plain.push(Number.parseInt(digits, 16))
      i += 2
    }
  }
  return Buffer.from(plain)
}

/** Text of an object, byte by byte as in `routedPath`. */
export function byBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** The parameters of a query in their order, decoded: `a=1&b` is `[['a', '1'], ['b', '']]`. */
export function queryParameters(query: string): readonly (readonly [name: string, value: string])[] {
  return [...new URLSearchParams(query)]
}
