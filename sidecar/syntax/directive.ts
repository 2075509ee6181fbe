/**
 * The only code that writes NGINX syntax. A directive is a fixed name and typed arguments; free text of an object
 * has no type here, so it cannot become an argument. Arguments are bare tokens of closed alphabets: nothing to
 * quote, nothing to escape (NGINX cannot escape `$` at all). In quotes are only a log format and headers, of the
 * administrator and parsed, and the patterns that this program makes of numbers.
 */

import type { LogFormat, LogPart } from '../ir/log-format.ts'
import type { ParameterPart } from '../ir/parameter-value.ts'

declare const argumentBrand: unique symbol
/** A checked bare token. Only the constructors below make one. */
export type Argument = string & { readonly [argumentBrand]: true }

export interface Directive {
  readonly name: string
  readonly arguments: readonly Argument[]
}

const TOKEN = /^[A-Za-z0-9_./:@*=-]{1,255}$/

function token(text: string): Argument {
  if (!TOKEN.test(text)) throw new TypeError(`not a bare NGINX token: ${JSON.stringify(text.slice(0, 80))}`)
  return text as Argument
}

/** A word that this program wrote itself: an enum member, a generated identifier. */
export function keyword<const T extends string>(text: T): Argument {
  return token(text)
}

/** A whole number within bounds; out of bounds is a bug of the caller, whose parser has the bounds. */
export function number(value: number, min: number, max: number): Argument {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${value} is not a whole number from ${min} to ${max}`)
  }
  return token(String(value))
}

/** Seconds, printed with their unit. */
export function time(value: number): Argument {
  return token(`${number(value, 0, 31_536_000)}s`)
}

/** Bytes. NGINX reads a plain number as bytes. */
export function bytes(value: number): Argument {
  return number(value, 0, 2 ** 40)
}

/** A switch, as NGINX writes it. */
export function onOff(value: boolean): Argument {
  return token(value ? 'on' : 'off')
}

/** An address range that `parseCidr` printed. */
export function cidr(text: string): Argument {
  if (!/^[0-9a-f.:]+(\/[0-9]{1,3})?$/.test(text)) throw new TypeError('not a printed CIDR')
  return token(text)
}

/** A DNS name that a parser has checked. */
export function hostName(text: string): Argument {
  if (!/^[a-z0-9.-]{1,253}$/.test(text)) throw new TypeError(`not a DNS name: ${JSON.stringify(text.slice(0, 80))}`)
  return token(text)
}

/** The name of a file, without a folder, that a parser has checked. */
export function fileName(text: string): Argument {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(text)) throw new TypeError(`not the name of a file: ${JSON.stringify(text.slice(0, 80))}`)
  return token(text)
}

/** Where a `_pass` directive leads: an `upstream` of ours; `$scheme` also ends its name. */
export function passTarget(scheme: 'https' | 'grpc' | 'grpcs' | '$scheme' | undefined, upstream: string): Argument {
  const name = token(upstream)
  if (scheme === '$scheme') return `$scheme://${name}_$scheme` as Argument
  return scheme === undefined ? name : token(`${scheme}://${name}`)
}

/** A file that the control API put into the run folder, named by the SHA-256 of its content. */
export function contentFile(digest: string): Argument {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new TypeError(`not a digest: ${JSON.stringify(digest.slice(0, 80))}`)
  return token(`files/${digest}.pem`)
}

/** A variable whose name this program wrote itself, as a whole argument. */
export function variableOf<const T extends string>(name: T): Argument {
  if (!/^[a-z_]{1,64}$/.test(name)) throw new TypeError(`not a variable: ${JSON.stringify(name.slice(0, 80))}`)
  return `$${name}` as Argument
}

/** A value of a parameter of FastCGI, that ir/parameter-value.ts read. */
export function parameterText(parts: readonly ParameterPart[]): Argument {
  const printed = parts.map((part) => 'text' in part ? part.text : variableOf(part.variable)).join('')
  if (!/^[A-Za-z0-9_/.$-]{1,2048}$/.test(printed)) throw new TypeError(`not a value: ${JSON.stringify(printed.slice(0, 80))}`)
  return printed as Argument
}

/** The name of a parameter of FastCGI. */
export function parameter(text: string): Argument {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(text)) throw new TypeError(`not a parameter: ${JSON.stringify(text.slice(0, 80))}`)
  return text as Argument
}

/** The name of a header, of letters, digits, `-` and `_` alone. */
export function headerName(text: string): Argument {
  if (!/^[A-Za-z0-9_-]{1,46}$/.test(text)) throw new TypeError(`not the name of a header: ${JSON.stringify(text.slice(0, 80))}`)
  return token(text)
}

/** A media type, or `*`, in lower case. */
export function mediaType(text: string): Argument {
  if (!/^[a-z0-9./+*-]{1,46}$/.test(text)) throw new TypeError(`not a media type: ${JSON.stringify(text.slice(0, 80))}`)
  return text as Argument
}

/** Terms of a list of ciphers, suites or groups, as OpenSSL reads them. */
export function opensslNames(terms: readonly string[]): Argument {
  const text = terms.join(':')
  if (!/^[A-Za-z0-9_.:@+!-]{1,2048}$/.test(text)) throw new TypeError('not a list of ciphers')
  return text as Argument
}

/** `address:port` to listen on; an IPv6 address in brackets. */
export function socket(address: string, port: number): Argument {
  const host = address.includes(':') ? `[${cidr(address)}]` : token(address)
  return `${host}:${number(port, 1, 65_535)}` as Argument
}

/** A socket of NGINX itself, in its working folder. */
export function unixSocket(name: string): Argument {
  if (!/^[a-z]{1,32}[.]sock$/.test(name)) throw new TypeError(`not the name of a socket: ${JSON.stringify(name)}`)
  return `unix:${name}` as Argument
}

/** `if=$variable`: where a variable of ours is neither empty nor 0. */
export function condition(variable: 'logged'): Argument {
  return `if=$${variable}` as Argument
}

/** What a `map` finds a host by: the name, or `*.` and a name, and how many labels it has. */
export function hostKey(host: string): Argument {
  if (!/^([*][.])?[a-z0-9.-]{1,253}$/.test(host)) throw new TypeError(`not a host: ${JSON.stringify(host.slice(0, 80))}`)
  return token(`${host}.${labelCount(host)}`)
}

/** `a.example` and `*.example` have 2. */
export function labelCount(host: string): number {
  return host.split('.').length
}

/** In quotes: the pattern of a name with so many labels. Constant but for the number; it captures nothing. */
export function labelsPattern(count: number): Argument {
  return `"~^[^.]+(?:[.][^.]+){${number(count - 1, 0, 126)}}$"` as Argument
}

/** A path of a closed alphabet, as a key of a `map`: no word or mark of that begins with `/`. */
export function pathKey(path: string): Argument {
  if (!path.startsWith('/')) throw new TypeError(`not a path: ${JSON.stringify(path.slice(0, 80))}`)
  return token(path)
}

/** One line of a `map`: `key value;`. */
export function mapLine(key: Argument, value: Argument): string {
  return `${key} ${value};`
}

/** Characters of a log format in one argument: NGINX reads no argument of more than 4096 bytes. */
const LONGEST_TEXT = 500

/**
 * A log format, in quotes, as arguments that NGINX joins again. NGINX knows no way to write a `$` that begins no
 * variable, so text with one is refused.
 */
export function logFormat(format: LogFormat): readonly Argument[] {
  const printed: string[] = ['']
  for (const [i, part] of format.entries()) {
    const pieces = 'text' in part ? textPieces(part.text) : [variable(part.variable, format[i + 1])]
    for (const piece of pieces) {
      const last = printed.at(-1) ?? ''
      if (last.length + piece.length <= 2 * LONGEST_TEXT) printed[printed.length - 1] = last + piece
      else printed.push(piece)
    }
  }
  return printed.map((text) => `'${text}'` as Argument)
}

/** The text of a header, in quotes, that ir/header-text.ts read. */
export function headerText(parts: LogFormat): Argument {
  const printed = parts.map((part, i) => ('text' in part ? quotedText(part.text) : variable(part.variable, parts[i + 1]))).join('')
  if (!/^[ -~]{0,4000}$/.test(printed)) throw new TypeError(`not the text of a header: ${JSON.stringify(printed.slice(0, 80))}`)
  return `'${printed}'` as Argument
}

function textPieces(text: string): string[] {
  const characters = [...text]
  const starts = Array.from({ length: Math.ceil(characters.length / LONGEST_TEXT) }, (_, i) => i * LONGEST_TEXT)
  return starts.map((start) => quotedText(characters.slice(start, start + LONGEST_TEXT).join('')))
}

function quotedText(text: string): string {
  if (/[$\p{C}]/u.test(text)) throw new TypeError(`not printable in quotes: ${JSON.stringify(text.slice(0, 80))}`)
  return text.replace(/[\\']/g, '\\$&')
}

/** In braces where the text after it would make its name longer. */
function variable(name: string, next: LogPart | undefined): string {
  if (!/^[a-z0-9_]{1,64}$/i.test(name)) throw new TypeError(`not a variable: ${JSON.stringify(name)}`)
  const isJoined = next !== undefined && 'text' in next && /^\w/.test(next.text)
  return isJoined ? `\${${name}}` : `$${name}`
}

/** Throws TypeError when the name is none: a bug of the caller, as names are fixed. */
export function directive(name: string, ...args: readonly Argument[]): Directive {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) throw new TypeError(`not a directive name: ${JSON.stringify(name)}`)
  return { name, arguments: args }
}

/** One line: `name argument argument;`. */
export function print(line: Directive): string {
  return `${[line.name, ...line.arguments].join(' ')};`
}
