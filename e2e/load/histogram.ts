/** Counts of durations with 2 % precision, in constant memory. */

import type { Latency } from './types.ts'

const BASE = Math.log(1.02)
const SMALLEST_MS = 0.001

export class Histogram {
  readonly #counts: number[] = []
  #total = 0
  #max = 0

  add(milliseconds: number): void {
    const index = Math.max(0, Math.ceil(Math.log(milliseconds / SMALLEST_MS) / BASE))
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
    if (milliseconds > this.#max) this.#max = milliseconds
  }

  /** The duration that the share `q` of all stays under; 0 when there is none. */
  quantile(q: number): number {
    let left = Math.ceil(this.#total * q)
    for (const [index, count = 0] of this.#counts.entries()) {
      left -= count
      if (left <= 0 && count > 0) return Math.min(this.#max, SMALLEST_MS * Math.exp(index * BASE))
    }
    return 0
  }

  summary(): Latency {
    return { p50: this.quantile(0.5), p90: this.quantile(0.9), p99: this.quantile(0.99), max: this.#max }
  }
}
