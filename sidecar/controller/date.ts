/** The date, by which certificates end: it may be set, and stands still in a machine that sleeps. */

const HOUR_MS = 3600_000
const MINUTE_MS = 60_000

/** Tells it now, each hour, and within a minute after it was put back, or on by an hour; returns what ends that. */
export function tellDate(tell: (now: Date) => void, date: () => Date = () => new Date()): () => void {
  let told: number | undefined
  const look = (): void => {
    const now = date()
    const passed = told === undefined ? HOUR_MS : now.getTime() - told
    if (passed >= 0 && passed < HOUR_MS) return
    told = now.getTime()
    tell(now)
  }
  look()
  const timer = setInterval(look, MINUTE_MS)
  return () => clearInterval(timer)
}
