/** What stands in an answer of a backend, and what clients get instead: both are text; nothing in them is special. */
import type { Parser } from './value.ts'

export type Replacement = { readonly from: string; readonly to: string }

const MAX_LENGTH = 512
const DOMAIN = /^[A-Za-z0-9._-]+$/
/** Of RFC 3986; a cookie ends at ";", and "~" would begin a regular expression in NGINX. */
const URL_TEXT = /^(?!~)[A-Za-z0-9._~:/?#[\]@!$&()*+,=%-]+$/

function pair(form: RegExp, what: string): Parser<Replacement | false> {
  return (text) => {
    if (text === 'off') return { value: false }
    const parts = text.length <= 2 * MAX_LENGTH ? text.split(/[ \t]+/, 3) : []
    const [from, to] = parts
    if (from === undefined || to === undefined || parts.length > 2) return { allowed: `off, or two ${what}, separated by a space` }
    const isGood = [from, to].every((part) => part.length <= MAX_LENGTH && form.test(part))
    return isGood ? { value: { from, to } } : { allowed: `off, or two ${what}, without variables and regular expressions` }
  }
}

/** A Domain of cookies, in lower case and without the dot at its begin, which has no meaning (RFC 6265). */
export const domainPair: Parser<Replacement | false> = (text) => {
  const parsed = pair(DOMAIN, 'domains')(text)
  if (!('value' in parsed) || parsed.value === false) return parsed
  const [from, to] = [parsed.value.from, parsed.value.to].map((domain) => domain.toLowerCase().replace(/^[.]/, ''))
  return from === undefined || from === '' || to === undefined || to === ''
    ? { allowed: 'off, or two domains, separated by a space' }
    : { value: { from, to } }
}

/** The begin of a Path of cookies, and what stands there instead. */
export const pathPair: Parser<Replacement | false> = pair(URL_TEXT, 'paths')

/** One part of a URL; `off` and `default` stand for nothing: no backend knows the name that NGINX has for it. */
export const urlText: Parser<string> = (text) => {
  if (text === 'off' || text === 'default') return { value: '' }
  const isGood = text.length <= MAX_LENGTH && URL_TEXT.test(text)
  return isGood ? { value: text } : { allowed: `off, default, or the begin of a URL, of at most ${MAX_LENGTH} characters, without variables` }
}
