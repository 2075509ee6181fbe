/** The translation of one Proxy: what it may look at, and what it finds on the way. */
import type { Reader } from '../../collection/graph.ts'
import type { Finding, Origin } from '../../ir/origin.ts'
import type { Context } from '../context.ts'
import type { Refusal } from './check.ts'

const REFERENCES: ReadonlySet<string> = new Set(['SecretNotFound', 'InvalidSecret', 'CertificateMismatch'])

export class Work {
  readonly origin: Origin
  readonly read: Reader
  readonly context: Context
  /** What the spec itself has wrong. */
  readonly invalid: Finding[] = []
  /** What it refers to and is not there, or not for it. */
  readonly unresolvedRefs: Finding[] = []
  /** What is served otherwise than somebody may expect. */
  readonly warnings: Finding[] = []

  constructor(origin: Origin, read: Reader, context: Context) {
    this.origin = origin
    this.read = read
    this.context = context
  }

  at(field: string): Origin {
    return { ...this.origin, field }
  }

  report(field: string, reason: string, message: string): void {
    this.invalid.push(this.#finding(field, reason, message))
  }

  /** What the schema does not allow; `effect` says what that does to the rest. */
  refuse({ field, message }: Refusal, effect: string): void {
    this.report(field, 'InvalidField', `${message}; ${effect}`)
  }

  /** What has no effect, whatever somebody expects. */
  warn(field: string, reason: string, message: string): void {
    this.warnings.push({ ...this.#finding(field, reason, message), severity: 'warning' })
  }

  unresolved(field: string, reason: string, message: string): void {
    this.unresolvedRefs.push(this.#finding(field, reason, message))
  }

  /** Of certificates: a Secret that is not there or cannot be used, or an entry that is wrong. */
  take(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const list = REFERENCES.has(finding.reason) ? this.unresolvedRefs : this.invalid
      list.push(finding)
    }
  }

  #finding(field: string, reason: string, message: string): Finding {
    return { origin: this.at(field), severity: 'error', reason, message: `${field}: ${message}` }
  }
}
