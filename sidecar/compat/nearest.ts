/** The name that somebody meant who made a typing error. */

/** No name is longer; without an end a long text would cost its square. */
const LONGEST = 64
/** A shorter text is as near to one name as to the next. */
const SHORTEST = 4

/** The nearest of the names, at most two letters away (one in short texts); the first of equally near ones. */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  if (text.length < SHORTEST || text.length > LONGEST) return undefined
  let best: string | undefined
  let least = text.length < 8 ? 2 : 3
  for (const name of names) {
    if (Math.abs(name.length - text.length) >= least) continue
    const found = distance(text, name)
    if (found < least) [best, least] = [name, found]
  }
  return best
}

/** Letters to put in, leave out, change or swap with the next (optimal string alignment distance). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swap = isSwap(a, i, b, j) ? at(before, j - 2) + 1 : Infinity
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, change, swap))
    }
    ;[before, last] = [last, row]
  }
  return at(last, b.length)
}

function at(row: readonly number[], j: number): number {
  return row[j] ?? Infinity
}

/** The two letters that end at i and j are each other's reverse. */
function isSwap(a: string, i: number, b: string, j: number): boolean {
  return i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
}
