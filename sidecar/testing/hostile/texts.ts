/** A grammar of hostile texts: syntax of everything that could ever read them, and values that are nearly right. */
import { fc } from '../property.ts'

/** In hostile texts; nginx.conf never holds it. */
export const MARKER = 'zq9marker'

/** What NGINX, Lua, JSON, a shell, a terminal or JavaScript could take for syntax. */
const SYNTAX = [
  '"', "'", '`', '\\', ';', '{', '}', '$', '${', '#', '\n', '\r', '\r\n', '\0', '\t', '\v', '\x7f', '\x1b[2J', ' ', ',', ':', '@',
  ']]', '--[[', '%s', '%', '%00', '%0d%0a', '..', '//', '\\n', '*', '?', '<', '|', '^', '__proto__', 'constructor', 'toString',
] as const

const UNICODE = [
  '\ud800', '\udfff', '\ud83d\ude00', '\u2028', '\u2029', '\u0085', '\u00a0', '\ufeff', '\u202e', '\u200b', '\u00e4',
  '\uff1b', '\uff0f', '\u2024', '\uffff',
] as const

/** Ends of tokens, directives, blocks, strings, comments and header lines, with something after them. */
const BREAKOUTS = [
  `;${MARKER} on;`, `;}}${MARKER}{`, `";${MARKER} on;#`, `';${MARKER} on;#`, `\n${MARKER} on;`, `\r${MARKER} on;`,
  `\r\n${MARKER}: 1`, `\\";${MARKER};`, `\\`, `$${MARKER}`, `\${${MARKER}}`, `]]${MARKER}()--`, `}\nload_module ${MARKER};`,
  ` ${MARKER}`, `\t${MARKER}`, `#${MARKER}`, `{${MARKER}}`, `|${MARKER}`, `) ${MARKER} (`, `.*${MARKER}`,
] as const

const NUMBERS = [
  '0', '-0', '-1', '+1', '00', '007', '1.5', '1e9', '0x10', 'NaN', 'Infinity', '255', '256', '599', '600', '65535', '65536',
  '2147483647', '2147483648', '-2147483649', '4294967296', '9007199254740991', '9007199254740992', '1099511627776',
  '99999999999999999999', '1k', '1m', '1g', '1t', '1kb', '-1s', '1y', '1ms', '1 s', '\uff11',
] as const

const REGEXES = [
  '(a+)+$', '(a|aa)+$', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$', '(x+x+)+y', 'a{1,512}', '(a{1,99}){1,99}', 'a{99999}',
  '(?R)', '(?1)', '(?<n>a)\\k<n>', '(a)\\1', '(?=a)', '(?!a)', '(?<=a)', '(?>a)', '(?#', '(?i)A', '(?i', '(*LIMIT_MATCH=1)a',
  '\\Qa', '\\K', '\\C', '[[:alpha:]', '[[:alpha:]]', '[z-a]', '[', '(', ')', '*', 'a**', '\\', '\\x{110000}', '\\p{Lu}', '^a|b$', '',
] as const

const ADDRESSES = [
  '127.0.0.1', '127.1', '0177.0.0.1', '2130706433', '0.0.0.0', '0.0.0.0/0', '::', '::1', '[::1]', '::ffff:127.0.0.1', '::/0',
  '169.254.169.254', 'fe80::1%eth0', '224.0.0.1', '10.0.0.0/33', '10.0.0.0/-1', '1.2.3', 'localhost', 'metadata.google.internal',
  'unix:/run/resty-ingress/control.sock', 'http://unix:/run/resty-ingress/control.sock:/v1/config', 'http://user:pw@h/',
  'http://127.0.0.1:10254/', 'javascript:alert(1)', '//evil.example', 'https://$host$request_uri', 'other/secret', '../secret',
] as const

const WORDS = ['true', 'false', 'on', 'off', 'TRUE', 'yes', 'null', 'all', 'any', 'cookie', 'GET', '/', '/a', '$remote_addr', '$1'] as const

/** Letters that look like those of ASCII and are not. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map([
  ['a', '\u0430'], ['c', '\u0441'], ['e', '\u0435'], ['i', '\u0456'], ['o', '\u043e'], ['p', '\u0440'], ['x', '\u0445'],
  ['1', '\uff11'], ['0', '\uff10'], ['.', '\u3002'], ['/', '\u2215'], ['-', '\u2010'],
])

/** Longer than anything may be: an annotation holds at most 256 KiB. */
const LONG = 100_000

const piece: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SYNTAX) },
  { weight: 2, arbitrary: fc.constantFrom(...UNICODE) },
  { weight: 4, arbitrary: fc.constantFrom(...BREAKOUTS) },
  { weight: 2, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom(...REGEXES) },
  { weight: 2, arbitrary: fc.constantFrom(...ADDRESSES) },
  { weight: 2, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
)

/** One piece alone as often as several: a whole value is more often one that is nearly right. */
const short: fc.Arbitrary<string> = fc.oneof(
  piece,
  fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
)

function repeated(text: string, length: number): string {
  return text === '' ? '' : text.repeat(Math.ceil(length / text.length)).slice(0, length)
}

const long: fc.Arbitrary<string> = fc.oneof(
  piece.map((text) => repeated(text, LONG)),
  piece.map((text) => repeated(`${text},`, LONG)),
  piece.map((text) => repeated(`${text}\n`, LONG)),
  fc.constantFrom('(', '[', 'a{9}', '${', '\\').map((text) => repeated(text, LONG)),
)

/** Any hostile text; one of sixty has 100 KB. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 59, arbitrary: short },
  { weight: 1, arbitrary: long },
)

type Mutation = (text: string, at: number, other: string) => string

const MUTATIONS: readonly Mutation[] = [
  (text, at, other) => text.slice(0, at) + other + text.slice(at),
  (text, _, other) => text + other,
  (text, _, other) => other + text,
  (text, at) => text.slice(0, at) + text.slice(at + 1),
  (text, at, other) => text.slice(0, at) + other + text.slice(at + 1),
  (text, at) => text.slice(0, at) + text.slice(at) + text.slice(at),
  (text) => text.toUpperCase(),
  (text) => [...text].map((letter) => LOOKALIKES.get(letter) ?? letter).join(''),
  (text, at) => text.slice(0, at) + (LOOKALIKES.get(text.charAt(at)) ?? text.charAt(at)) + text.slice(at + 1),
  (text, _, other) => text.replace(/\d+/, other),
  (text) => Array.from({ length: 300 }, () => text).join(','),
  (text) => text.replaceAll(' ', ''),
]

/** What a field takes, and what it nearly takes. */
export function nearly(examples: readonly string[]): fc.Arbitrary<string> {
  const example = fc.constantFrom(...examples)
  const other = fc.oneof(short, example, fc.constantFrom(...NUMBERS))
  const mutated = fc
    .tuple(example, fc.nat({ max: 200 }), other, fc.constantFrom(...MUTATIONS))
    .map(([text, at, inserted, mutate]) => mutate(text, at % (text.length + 1), inserted))
  return fc.oneof(example, { arbitrary: mutated, weight: 3 })
}

/** A value for a field that has these examples, good ones and bad ones. */
export function valueLike(examples: readonly string[]): fc.Arbitrary<string> {
  return examples.length === 0 ? hostileText : fc.oneof(hostileText, { arbitrary: nearly(examples), weight: 2 })
}
