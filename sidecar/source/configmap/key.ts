import type { Parser } from '../../ir/value.ts'

/** One key of the controller's ConfigMap. */
export interface Key<T> {
  readonly name: string
  readonly parse: Parser<T>
  /** For docs/annotations.md. */
  readonly about: string
}

/** A row of a table of keys. */
export function key<T>(name: string, parse: Parser<T>, about: string): Key<T> {
  return { name, parse, about }
}
