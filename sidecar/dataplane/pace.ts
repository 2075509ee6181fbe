/**
 * How often something may happen: `burst` times at once, and once more for each interval that passes.
 * Pure; times are milliseconds of any monotonic clock.
 */
export class Pace {
  readonly #burst: number
  readonly #intervalMs: number
  #left: number
  #countedAt = 0

  constructor(burst: number, intervalMs: number) {
    this.#burst = burst
    this.#intervalMs = intervalMs
    this.#left = burst
  }

  /** Whether it may happen now; if so, it counts as having happened. */
  take(now: number): boolean {
    const earned = (now - this.#countedAt) / this.#intervalMs
    this.#left = Math.min(this.#burst, this.#left + earned)
    this.#countedAt = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  /** It has not happened after all. */
  giveBack(): void {
    this.#left = Math.min(this.#burst, this.#left + 1)
  }
}
