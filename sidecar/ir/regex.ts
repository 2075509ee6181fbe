/**
 * The regular expressions that users may write: a subset that PCRE runs without surprises. Refused are
 * back-references, look-around, recursion, verbs, callouts, named groups and match resets; repetition is
 * bounded. The check is one pass over at most 512 characters; the match limit at run time does the rest.
 */
import type { Parser } from './value.ts'

const MAX_LENGTH = 512
const MAX_DEPTH = 20
const MAX_REPEAT = 1000
const ESCAPES = /[dDwWsSbBnrtfv.\\/^$|?*+()[\]{}\-,:=!<>@#%&~"'`;_ ]/

class Refusal extends Error {}

/** A cursor over the pattern; each method consumes one grammar rule or throws a Refusal. */
class Scanner {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  pattern(): void {
    this.#alternatives(0)
    if (this.#position < this.#text.length) throw new Refusal('a ")" without its "("')
  }

  #peek(): string {
    return this.#text.charAt(this.#position)
  }

  #take(): string {
    const character = this.#text.charAt(this.#position)
    if (character === '') throw new Refusal('it ends too early')
    this.#position += 1
    return character
  }

  #alternatives(depth: number): void {
    if (depth > MAX_DEPTH) throw new Refusal(`groups nest deeper than ${MAX_DEPTH}`)
    while (this.#peek() !== '' && this.#peek() !== ')') {
      if (this.#peek() === '|') this.#take()
      else if (this.#atom(depth)) this.#quantifiers()
    }
  }

  /** Gives whether the atom may be repeated. */
  #atom(depth: number): boolean {
    const character = this.#take()
    switch (character) {
      case '(':
        this.#group(depth)
        return true
      case '[':
        this.#characterClass()
        return true
      case '\\':
        this.#escape()
        return true
      case '^':
      case '$':
        return false
      case '*':
      case '+':
      case '?':
        throw new Refusal(`nothing to repeat before "${character}"`)
      default:
        return true
    }
  }

  #group(depth: number): void {
    if (this.#peek() === '*') throw new Refusal('verbs "(*…)" are not allowed')
    if (this.#peek() === '?') {
      this.#take()
      if (this.#take() !== ':') throw new Refusal('of the "(?…)" forms only "(?:…)" is allowed')
    }
    this.#alternatives(depth + 1)
    if (this.#peek() !== ')') throw new Refusal('a "(" without its ")"')
    this.#take()
  }

  #escape(): void {
    const character = this.#take()
    if (!ESCAPES.test(character)) throw new Refusal(`the escape "\\${character}" is not allowed`)
  }

  #characterClass(): void {
    if (this.#peek() === '^') this.#take()
    if (this.#peek() === ']') throw new Refusal('an empty character class')
    while (this.#peek() !== ']') {
      const character = this.#take()
      if (character === '\\') this.#escape()
      if (character === '[') throw new Refusal('a "[" inside a character class must be written "\\["')
    }
    this.#take()
  }

  #quantifiers(): void {
    const before = this.#position
    if (['*', '+', '?'].includes(this.#peek())) this.#take()
    else if (this.#peek() === '{') this.#bounds()
    else return
    if (this.#peek() === '?') this.#take()
    if (['*', '+', '?', '{'].includes(this.#peek()) && this.#position > before) {
      throw new Refusal('a repetition of a repetition')
    }
  }

  #bounds(): void {
    const match = /^\{([0-9]{1,4})(,([0-9]{0,4}))?\}/.exec(this.#text.slice(this.#position, this.#position + 12))
    if (match === null) throw new Refusal('a "{" that is no repetition must be written "\\{"')
    const high = Number(match[3] === undefined || match[3] === '' ? match[1] : match[3])
    if (high > MAX_REPEAT || Number(match[1]) > high) {
      throw new Refusal(`repetition bounds must be ordered and at most ${MAX_REPEAT}`)
    }
    this.#position += match[0].length
  }
}

function problem(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `longer than ${MAX_LENGTH} characters`
  // Half of a surrogate pair.
  if (!text.isWellFormed()) return 'it is not Unicode text'
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(text)) return 'control characters are not allowed'
  try {
    new Scanner(text).pattern()
    // What the scanner lets through can still be wrong in detail, such as the range [z-a].
    new RegExp(text)
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.message
    return 'it is not a regular expression'
  }
}

/** Accepts a pattern of the subset as it stands. */
export const regularExpression: Parser<string> = (text) => {
  const reason = problem(text)
  return reason === undefined
    ? { value: text }
    : { allowed: `a regular expression without look-around, back-references or named groups (${reason})` }
}
