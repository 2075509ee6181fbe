/** What annotations, keys of the ConfigMap and fields of a Proxy say about external authentication. */
import { DEFAULT_SETTINGS, type CacheSeconds } from '../ir/settings.ts'
import { template, urlTemplate, type TemplatePart } from '../ir/template.ts'
import { duration, list, word, type Parsed, type Parser } from '../ir/value.ts'
import { headerProblem } from './common/headers.ts'
import { STANDARD_HEADERS } from './common/standard-headers.ts'

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'] as const
/** Of answers that are kept, and of others that are copied. */
export const MAX_RESPONSE_HEADERS = 64
export const MAX_CACHE_SECONDS = 86_400
/** As ingress-nginx. */
export const DEFAULT_CACHE_SECONDS = DEFAULT_SETTINGS.globalAuthCacheDuration

export const method = word(...METHODS)

/** Where clients are sent, which hold what stands before the path for ours. */
export const signin: Parser<readonly TemplatePart[]> = (text) => {
  const parsed = urlTemplate(text)
  const isUrl = /^(https?:\/\/[^/?#]|\/(?!\/))/.test(text)
  return isUrl ? parsed : { allowed: 'an URL http(s)://..., or a path of the same host' }
}

export const signinParam: Parser<string> = (text) =>
  /^[A-Za-z0-9_.-]{1,64}$/.test(text) ? { value: text } : { allowed: '1 to 64 of A-Z, a-z, 0-9, "_", "." and "-"' }

/** The name of a header of the service that backends get. */
const responseHeader: Parser<string> = (name) => {
  const isOurs = (STANDARD_HEADERS as readonly string[]).includes(name.toLowerCase())
  const problem = isOurs ? `${name} is told by this controller` : headerProblem(name, 'set', 'request')
  return problem === undefined ? { value: name } : { allowed: `names of headers (${problem})` }
}

export const responseHeaders: Parser<readonly string[]> = list(responseHeader, MAX_RESPONSE_HEADERS)

/** A variable that counts as empty would let one client have the answer of another. */
export const cacheKey: Parser<readonly TemplatePart[]> = (text) => {
  const parsed = template(text)
  return 'value' in parsed && parsed.warning !== undefined ? { allowed: `known variables (${parsed.warning})` } : parsed
}

/** Not $remote_user: that is a name, which anybody can say with any password. */
const CREDENTIAL = /^(cookie_.+|http_cookie|http_.*(token|key|auth|session).*|arg_.+)$/

/** Whether a key tells one client from another. */
export function namesCredential(key: readonly TemplatePart[]): boolean {
  return key.some((part) => 'var' in part && CREDENTIAL.test(part.var))
}

const DURATIONS = 'parts separated by commas, each of statuses and a time: "200 202 10m, 401 1m"'
const MAX_PARTS = 16

/** Statuses, then a time, in parts separated by commas; without a status it is 200. */
export function cacheDuration(text: string): Parsed<CacheSeconds> {
  const parts = text.length <= 256 ? text.split(',').map((part) => part.trim().split(/ +/)) : []
  if (parts.length === 0 || parts.length > MAX_PARTS) return { allowed: DURATIONS }
  const seconds: Record<string, number> = {}
  for (const words of parts) {
    const time = duration(1, MAX_CACHE_SECONDS)(words.at(-1) ?? '')
    const statuses = words.length > 1 ? words.slice(0, -1) : ['200']
    if (!('value' in time) || !statuses.every((it) => /^[1-5][0-9]{2}$/.test(it))) return { allowed: DURATIONS }
    for (const status of statuses) seconds[status] = time.value
  }
  return { value: seconds }
}
