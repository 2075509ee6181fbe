/** The few numbers that a set of measurements is told by. */

/** The value that the share `q` (0 to 1) of all values stays under or at (nearest rank); NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** For people and JSON: three significant digits after the point at most. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
