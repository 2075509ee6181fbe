/**
 * Readers of single values, for annotations and ConfigMap keys alike. Each gives a typed value or the
 * allowed form, never a guess; every grammar is linear and caps the length first.
 */

/** A value, with a warning where it is not quite what was written; or what would have been allowed. */
export type Parsed<T> = { readonly value: T; readonly warning?: string } | { readonly allowed: string }

export type Parser<T> = (text: string) => Parsed<T>

const MAX_LENGTH = 4096

function refused(allowed: string): { readonly allowed: string } {
  return { allowed }
}

/** Go's ParseBool, which ingress-nginx uses. */
export const boolean: Parser<boolean> = (text) => {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return { value: true }
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return { value: false }
  return refused('"true" or "false"')
}

/** A whole number, written in decimal digits alone. */
export function integer(min: number, max: number): Parser<number> {
  const allowed = `a whole number from ${min} to ${max}`
  return (text) => {
    if (!/^[0-9]{1,10}$/.test(text)) return refused(allowed)
    const value = Number(text)
    return value >= min && value <= max ? { value } : refused(allowed)
  }
}

/** Whole seconds, with an optional `s` as NGINX writes them. */
export function seconds(min: number, max: number): Parser<number> {
  const parse = integer(min, max)
  return (text) => {
    const parsed = parse(text.endsWith('s') ? text.slice(0, -1) : text)
    return 'value' in parsed ? parsed : refused(`${parsed.allowed}, in seconds`)
  }
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

/** A time of NGINX: digits and one of s, m, h, d. Gives seconds. */
export function duration(min: number, max: number): Parser<number> {
  const allowed = `a time such as 90s, 15m or 1h, from ${min} to ${max} seconds`
  return (text) => {
    const match = /^([0-9]{1,8})([smhd]?)$/.exec(text)
    if (match === null) return refused(allowed)
    const value = Number(match[1]) * (SECONDS[match[2] ?? ''] ?? 1)
    return value >= min && value <= max ? { value } : refused(allowed)
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** A size of NGINX: digits and one of b, k, m, g in either case. Gives bytes. */
export function size(min: number, max: number): Parser<number> {
  const allowed = `a size such as 8k, 10m or 1g, from ${min} to ${max} bytes`
  return (text) => {
    const match = /^([0-9]{1,12})([bkmg]?)$/.exec(text.slice(0, 16).toLowerCase())
    if (match === null || text.length > 16) return refused(allowed)
    const value = Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1)
    return value >= min && value <= max ? { value } : refused(allowed)
  }
}

/** One of these words, as written here. */
export function word<const T extends string>(...words: readonly T[]): Parser<T> {
  return (text) => {
    const value = words.find((candidate) => candidate === text)
    return value === undefined ? refused(words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`) : { value }
  }
}

/** A switch as NGINX writes it. */
export const onOff: Parser<boolean> = (text) => {
  const parsed = word('on', 'off')(text)
  return 'value' in parsed ? { value: parsed.value === 'on' } : parsed
}

/** Items separated by commas and/or white space, each read by `item`. */
export function list<T>(item: Parser<T>, maxItems: number): Parser<readonly T[]> {
  return (text) => {
    if (text.length > MAX_LENGTH) return refused(`at most ${MAX_LENGTH} characters`)
    const parts = text.split(/[\s,]/).filter((part) => part !== '')
    if (parts.length === 0 || parts.length > maxItems) return refused(`1 to ${maxItems} items`)
    const values: T[] = []
    for (const part of parts) {
      const parsed = item(part)
      if (!('value' in parsed)) return refused(`a list of: ${parsed.allowed}`)
      values.push(parsed.value)
    }
    return { value: values }
  }
}

/** `number size`, as in `4 8k`. */
export const buffers: Parser<{ number: number; size: number }> = (text) => {
  const allowed = refused('a number from 1 to 64 and a size from 1k to 1m, such as "4 8k"')
  const [first, second, ...rest] = text.split(' ')
  if (first === undefined || second === undefined || rest.length > 0) return allowed
  const number = integer(1, 64)(first)
  const each = size(1024, 1024 ** 2)(second)
  return 'value' in number && 'value' in each
    ? { value: { number: number.value, size: each.value } }
    : allowed
}
