/** Findings of all stages, as the one current set; tells what is new and what is gone. */
import type { Finding } from '../ir/origin.ts'
import { canonicalJson } from '../util/canonical.ts'

export interface FindingChanges {
  readonly appeared: readonly Finding[]
  readonly gone: readonly Finding[]
}

export class FindingBook {
  readonly #parts = new Map<string, readonly Finding[]>()
  #current = new Map<string, Finding>()
  #changed = false

  /** Replaces what one stage reports. The same array again, or still none, means that nothing changed. */
  set(stage: string, findings: readonly Finding[]): void {
    const before = this.#parts.get(stage) ?? []
    if (before === findings || before.length + findings.length === 0) return
    this.#parts.set(stage, findings)
    this.#changed = true
  }

  /** The current set, without repeats. */
  all(): Finding[] {
    return [...this.#current.values()]
  }

  /** Takes in what was `set` since the last call. */
  settle(): FindingChanges {
    if (!this.#changed) return { appeared: [], gone: [] }
    this.#changed = false
    const next = new Map([...this.#parts.values()].flat().map((finding) => [canonicalJson(finding), finding]))
    const before = this.#current
    this.#current = next
    return {
      appeared: [...next].filter(([key]) => !before.has(key)).map(([, finding]) => finding),
      gone: [...before].filter(([key]) => !next.has(key)).map(([, finding]) => finding),
    }
  }
}
