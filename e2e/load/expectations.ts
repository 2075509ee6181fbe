/** Which pods may answer, over time; and which answers came from others. */

/** A pod that answered although the newest set does not name it. */
export interface Answered {
  readonly group: string
  readonly pod: string
  readonly started: number
  readonly ended: number
}

interface Period {
  readonly since: number
  readonly pods: ReadonlySet<string>
}

export class Expectations {
  readonly #staleMs: number
  readonly #groups = new Map<string, Period[]>()

  constructor(staleMs: number) {
    this.#staleMs = staleMs
  }

  /** From `since` on, these pods. */
  set(group: string, pods: readonly string[], since: number): void {
    const periods = this.#groups.get(group) ?? []
    periods.push({ since, pods: new Set(pods) })
    this.#groups.set(group, periods)
  }

  /** True when the pod is in the newest set, or nothing is expected of this group yet. */
  isExpected(group: string, pod: string): boolean {
    const newest = this.#groups.get(group)?.at(-1)
    return newest === undefined || newest.pods.has(pod)
  }

  /** The newest set. */
  pods(group: string): readonly string[] {
    return [...this.#groups.get(group)?.at(-1)?.pods ?? []]
  }

  /**
   * How long the pod was not in the set any more when the request started; 0 when it was, or came in
   * until `staleMs` after the answer: a watch may tell the proxy before it tells the test.
   * Infinity when the pod was never in it.
   */
  staleness({ group, pod, started, ended }: Answered): number {
    const periods = this.#groups.get(group) ?? []
    let least = Infinity
    periods.forEach(({ since, pods }, index) => {
      if (!pods.has(pod) || since > ended + this.#staleMs) return
      const until = periods[index + 1]?.since ?? Infinity
      least = Math.min(least, Math.max(0, started - until))
    })
    return least
  }

  /** Too long, by the bound of this load. */
  isMisrouted(staleness: number): boolean {
    return staleness > this.#staleMs
  }
}
