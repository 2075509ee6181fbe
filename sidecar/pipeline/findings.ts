/** The findings of every stage of the translation, as they come and go. */
import type { Collection } from '../collection/graph.ts'
import type { Finding } from '../ir/origin.ts'

/** Of one object, or of one host or backend. */
const MAX_FINDINGS = 100

export class PipelineFindings {
  readonly #findings = new Map<string, readonly Finding[]>()
  #list: readonly Finding[] | undefined

  /** Follows a stage from now on. */
  collect<V extends { readonly findings: readonly Finding[] }>(stage: string, collection: Collection<V>): void {
    collection.subscribe((key, value) => {
      const known = this.#findings.has(`${stage} ${key}`)
      if (value !== undefined && value.findings.length > 0) this.#findings.set(`${stage} ${key}`, summarized(value.findings))
      else if (known) this.#findings.delete(`${stage} ${key}`)
      else return
      this.#list = undefined
    })
  }

  /** In a stable order; the same array as long as nothing changes. */
  all(): readonly Finding[] {
    this.#list ??= [...this.#findings.keys()].sort().flatMap((key) => this.#findings.get(key) ?? [])
    return this.#list
  }
}

/** Each finding is a line of the log and an Event: one object must not fill them. */
function summarized(findings: readonly Finding[]): readonly Finding[] {
  const last = findings[MAX_FINDINGS - 1]
  if (last === undefined || findings.length === MAX_FINDINGS) return findings
  const shown = findings.slice(0, MAX_FINDINGS - 1)
  const message = `and ${findings.length - shown.length} more problems`
  return [...shown, { origin: { ...last.origin, field: '' }, severity: 'error', reason: 'MoreProblems', message }]
}
