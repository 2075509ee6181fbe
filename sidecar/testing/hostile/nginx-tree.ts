/** nginx.conf as NGINX reads it (`ngx_conf_read_token`), for tests; written apart from the code that prints it. */

export interface Node {
  /** As they stand, quotes and escapes included. */
  readonly words: readonly string[]
  /** Absent: the directive ended with ";". */
  readonly block?: readonly Node[]
  /** The text in the braces of a `*_by_lua_block`. */
  readonly lua?: string
}

export interface Tree {
  readonly nodes: readonly Node[]
  /** Without "#". */
  readonly comments: readonly string[]
}

/** Throws SyntaxError where NGINX would refuse the text. */
export function readTree(text: string): Tree {
  const reader = new Reader(text)
  const nodes = reader.nodes(false)
  return { nodes, comments: reader.comments }
}

class Reader {
  readonly comments: string[] = []
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  nodes(isInside: boolean): Node[] {
    const nodes: Node[] = []
    for (;;) {
      this.#skip()
      if (this.#at >= this.#text.length) {
        if (isInside) throw this.#error('a block does not end')
        return nodes
      }
      if (this.#peek() === '}') {
        if (!isInside) throw this.#error('a block ends that did not begin')
        this.#at += 1
        return nodes
      }
      nodes.push(this.#node())
    }
  }

  #node(): Node {
    const words: string[] = []
    for (;;) {
      this.#skip()
      const next = this.#peek()
      if (next === ';' || next === '{') {
        this.#at += 1
        if (words.length === 0) throw this.#error('a directive has no name')
        return next === ';' ? { words } : this.#block(words)
      }
      if (next === '' || next === '}') throw this.#error('a directive does not end')
      words.push(this.#word())
    }
  }

  #block(words: readonly string[]): Node {
    if (words[0]?.endsWith('_by_lua_block') !== true) return { words, block: this.nodes(true) }
    const start = this.#at
    for (let depth = 1; depth > 0; this.#at += 1) {
      const next = this.#peek()
      if (next === '') throw this.#error('a block of Lua does not end')
      if (next === '"' || next === "'") this.#at = this.#quoteEnd() - 1
      else depth += next === '{' ? 1 : next === '}' ? -1 : 0
    }
    return { words, lua: this.#text.slice(start, this.#at - 1) }
  }

  #word(): string {
    const start = this.#at
    const first = this.#peek()
    if (first === '"' || first === "'") {
      this.#at = this.#quoteEnd()
      if (!/^[\s;{)]/.test(this.#peek())) throw this.#error('something stands right after a quote')
      return this.#text.slice(start, this.#at)
    }
    let isVariable = false
    for (; this.#at < this.#text.length; this.#at += 1) {
      const next = this.#peek()
      if (next === '\\') this.#at += 1
      else if (/[\s;]/.test(next) || (next === '{' && !isVariable)) break
      isVariable = next === '$'
    }
    return this.#text.slice(start, this.#at)
  }

  /** Where the quoted text that begins here has ended. */
  #quoteEnd(): number {
    const quote = this.#peek()
    for (let at = this.#at + 1; at < this.#text.length; at += 1) {
      if (this.#text[at] === '\\') at += 1
      else if (this.#text[at] === quote) return at + 1
    }
    throw this.#error('a quote does not end')
  }

  #skip(): void {
    for (;;) {
      while (/^\s$/.test(this.#peek())) this.#at += 1
      if (this.#peek() !== '#') return
      const end = this.#text.indexOf('\n', this.#at)
      const after = end < 0 ? this.#text.length : end
      this.comments.push(this.#text.slice(this.#at + 1, after))
      this.#at = after
    }
  }

  #peek(): string {
    return this.#text.charAt(this.#at)
  }

  #error(message: string): SyntaxError {
    return new SyntaxError(`${message}, at ${JSON.stringify(this.#text.slice(Math.max(0, this.#at - 40), this.#at + 40))}`)
  }
}
