/**
 * Text in NGINX's syntax -> directives as lists of words, read as NGINX reads a configuration
 * (`ngx_conf_read_token`): quotes, escapes, comments, blocks. One pass, whatever the text.
 */
import { quoted } from '../../ir/names.ts'

const MAX_LENGTH = 16_384
const MAX_DIRECTIVES = 100
const MAX_WORDS = 64

/** Where something stands in the text, both from 1 on. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface ConfDirective {
  /** Without quotes and escapes; the first is the name. */
  readonly words: readonly string[]
  /** Of each word. */
  readonly lines: readonly number[]
  readonly line: number
  /** It had a block in braces, which is left out with it. */
  readonly block: boolean
}

export interface SyntaxError extends Position {
  readonly message: string
}

export interface Tokens {
  /** Up to the first error. */
  readonly directives: readonly ConfDirective[]
  readonly error?: SyntaxError
}

const BLANK = new Set([' ', '\t', '\r', '\n'])
/** What an escape stands for; of any other character the backslash stays, as in NGINX. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'], ["'", "'"], ['\\', '\\'], ['t', '\t'], ['r', '\r'], ['n', '\n'],
])

/** The directives of a text. Nothing after an error is read. */
export function readDirectives(text: string): Tokens {
  if (text.length > MAX_LENGTH) {
    return { directives: [], error: problem({ line: 1, column: 1 }, `it is longer than ${MAX_LENGTH} characters`) }
  }
  const scanner = new Scanner(text)
  const directives: ConfDirective[] = []
  for (;;) {
    const next = readDirective(scanner)
    if (next === undefined) return { directives }
    if ('message' in next) return { directives, error: next }
    if (directives.length === MAX_DIRECTIVES) {
      const error = problem({ line: next.line, column: 1 }, `there are more than ${MAX_DIRECTIVES} directives`)
      return { directives, error }
    }
    directives.push(next)
  }
}

interface Words {
  readonly words: readonly string[]
  readonly lines: readonly number[]
  readonly end: Mark
}

/** The words up to the next mark. */
function readWords(scanner: Scanner): Words | SyntaxError {
  const words: string[] = []
  const lines: number[] = []
  for (;;) {
    const token = scanner.next()
    if ('message' in token) return token
    if (!('text' in token)) return { words, lines, end: token }
    if (words.length === MAX_WORDS) return problem(token, `there are more than ${MAX_WORDS} words before ";"`)
    words.push(token.text)
    lines.push(token.line)
  }
}

/** Undefined: the text has come to its end. */
function readDirective(scanner: Scanner): ConfDirective | SyntaxError | undefined {
  const read = readWords(scanner)
  if ('message' in read) return read
  const { words, lines, end } = read
  const [line = 0] = lines
  if (end.mark === 'end') return words.length === 0 ? undefined : problem(end, 'it ends without ";"')
  if (words.length === 0 || end.mark === '}') return problem(end, `"${end.mark}" is out of place`)
  if (end.mark === ';') return { words, lines, line, block: false }
  return skipBlock(scanner) ?? { words, lines, line, block: true }
}

/** Reads on behind the brace that closes the block at hand. */
function skipBlock(scanner: Scanner): SyntaxError | undefined {
  for (let depth = 1; depth > 0; ) {
    const token = scanner.next()
    if ('message' in token) return token
    if (!('mark' in token)) continue
    if (token.mark === 'end') return problem(token, 'it ends without "}"')
    if (token.mark === '{') depth += 1
    if (token.mark === '}') depth -= 1
  }
  return undefined
}

type Word = Position & { readonly text: string }
type Mark = Position & { readonly mark: ';' | '{' | '}' | 'end' }

function problem({ line, column }: Position, message: string): SyntaxError {
  return { line, column, message }
}

class Scanner {
  readonly #text: string
  #at = 0
  #line = 1
  #lineStart = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): Word | Mark | SyntaxError {
    this.#skipBlanks()
    const position = this.#position()
    const character = this.#text[this.#at]
    if (character === undefined) return { ...position, mark: 'end' }
    if (character === ';' || character === '{' || character === '}') {
      this.#at += 1
      return { ...position, mark: character }
    }
    return character === '"' || character === "'" ? this.#quoted(character, position) : this.#bare(position)
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 }
  }

  /** Passes one character. */
  #advance(): void {
    const character = this.#text[this.#at]
    this.#at += 1
    if (character !== '\n') return
    this.#line += 1
    this.#lineStart = this.#at
  }

  /** Blanks and comments. */
  #skipBlanks(): void {
    let inComment = false
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) return
      if (character === '#') inComment = true
      else if (character === '\n') inComment = false
      else if (!inComment && !BLANK.has(character)) return
      this.#advance()
    }
  }

  #quoted(quote: string, position: Position): Word | SyntaxError {
    this.#advance()
    let text = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) return problem(position, `the ${quote} is never closed`)
      if (character === quote) break
      text += this.#character(character)
    }
    this.#advance()
    const after = this.#text[this.#at]
    if (after !== undefined && !BLANK.has(after) && !';{)'.includes(after)) {
      return problem(this.#position(), `${quoted(after)} stands right behind a closing quote`)
    }
    return { ...position, text }
  }

  /** A `{` behind a `$` begins no block: it is the name of a variable in braces. */
  #bare(position: Position): Word {
    let text = ''
    for (let last = ''; ; ) {
      const character = this.#text[this.#at]
      if (character === undefined || BLANK.has(character) || character === ';') break
      if (character === '{' && last !== '$') break
      last = character
      text += this.#character(character)
    }
    return { ...position, text }
  }

  /** One character, or what an escape stands for. */
  #character(character: string): string {
    this.#advance()
    const next = this.#text[this.#at]
    if (character !== '\\' || next === undefined) return character
    this.#advance()
    return ESCAPES.get(next) ?? `\\${next}`
  }
}
