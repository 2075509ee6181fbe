/** What ingress-nginx knows and has no effect here: what is said of it, to whom it concerns and in the documents. */

/** What becomes of it here. */
export const STANDINGS = {
  later: 'not supported yet',
  never: 'never supported here',
  needless: 'not needed here',
  gone: 'gone from ingress-nginx, too',
} as const

export type Standing = keyof typeof STANDINGS

export interface Known {
  readonly standing: Standing
  /** What it does in ingress-nginx. */
  readonly there: string
  /** What to use here; undefined: nothing does the same. */
  readonly instead?: string
  /** A value that says what happens here in any case: it is honoured, and nothing is reported. */
  readonly holds?: string
}

/** By name: what it does there, what to use instead ('': nothing), and the value that holds here anyway. */
export type Rows = { readonly [name: string]: readonly [there: string, instead: string, holds?: string] }

/** One table of the rows of each standing. */
export function knownTable(rows: { readonly [S in Standing]?: Rows }): ReadonlyMap<string, Known> {
  return new Map((Object.entries(rows) as [Standing, Rows][]).flatMap(([standing, of]) =>
    Object.entries(of).map(([name, [there, instead, holds]]): [string, Known] => [
      name,
      { standing, there, ...(instead === '' ? {} : { instead }), ...(holds === undefined ? {} : { holds }) },
    ]),
  ))
}

/** True for a value that asks for nothing but what happens here anyway, in any case of letters. */
export function holdsAnyway(known: Known | undefined, text: string): boolean {
  return known?.holds !== undefined && known.holds.toLowerCase() === text.toLowerCase()
}

/** The rest of a sentence whose subject is the name; `effect`: what happens, since it is not honoured. */
export function aboutKnown({ standing, there, instead }: Known, effect = 'it has no effect'): string {
  return `${STANDINGS[standing]}; ${effect}; in ingress-nginx: ${there}; instead: ${instead ?? 'nothing'}`
}
