/**
 * Competitors that are measured in turns, so that whatever else the machine does meets all of them; what
 * is told are medians over the rounds.
 */
import { median } from '../statistics.ts'

/** One run of the client against one competitor. */
export interface Figures {
  /** Microseconds of CPU for each request. */
  readonly cpu: number
  /** Requests per second. */
  readonly rps: number
  /** Latency in microseconds. */
  readonly p50: number
  readonly p99: number
  /** Requests that failed. */
  readonly errors: number
}

/** All competitors once, one right after the other. */
export type Round<Name extends string> = Readonly<Record<Name, Figures>>

/** The order alternates, so that a drift of the machine favours nobody. */
export async function takeTurns<Name extends string>(
  names: readonly Name[], count: number, measure: (name: Name) => Promise<Figures>,
  onRound?: (round: Round<Name>) => void,
): Promise<Round<Name>[]> {
  const rounds: Round<Name>[] = []
  for (let index = 0; index < count; index++) {
    const measured: Partial<Record<Name, Figures>> = {}
    for (const name of index % 2 === 0 ? names : names.toReversed()) measured[name] = await measure(name)
    const round = measured as Round<Name>
    rounds.push(round)
    onRound?.(round)
  }
  return rounds
}

/** The median of a figure of one competitor. */
export function medianOf<Name extends string>(
  rounds: readonly Round<Name>[], name: Name, figure: keyof Figures,
): number {
  return median(rounds.map((round) => round[name][figure]))
}

/** `name` / `other`, compared round by round: what slows the machine slows both. */
export function ratioOf<Name extends string>(
  rounds: readonly Round<Name>[], name: Name, other: Name, figure: keyof Figures,
): number {
  return median(rounds.map((round) => round[name][figure] / round[other][figure]))
}

/** Requests that failed, of some competitors in all rounds. */
export function errorsOf<Name extends string>(rounds: readonly Round<Name>[], names: readonly Name[]): number {
  return rounds.flatMap((round) => names.map((name) => round[name].errors)).reduce((sum, errors) => sum + errors, 0)
}
