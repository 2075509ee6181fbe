/** Where a value came from, so that whatever is wrong with it can be said to its owner. */

export interface ObjectRef {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid?: string
  readonly apiVersion?: string
}

/** By kind, namespace and name. */
export function isSameObject(left: ObjectRef, right: ObjectRef): boolean {
  return left.kind === right.kind && left.namespace === right.namespace && left.name === right.name
}

export interface Origin extends ObjectRef {
  /** JSON path of the field, for example `spec.rules[0].http.paths[1].path`; empty: the whole object. */
  readonly field: string
  /** Line within the text of the field, from 1 on. */
  readonly line?: number
}

export type Severity = 'warning' | 'error'

/** Something wrong with one object. Data, not an exception: it becomes Event, metric, log line and status. */
export interface Finding {
  readonly origin: Origin
  readonly severity: Severity
  /** CamelCase word, the `reason` of the Event. */
  readonly reason: string
  /** A sentence that names the field's value and the allowed form. Never holds secret text. */
  readonly message: string
}
