/** What of a Proxy is known before it is served: two of the conditions of its status. */
import type { Finding } from '../../ir/origin.ts'
import type { FragmentConditions, KnownCondition } from '../../ir/types.ts'
import type { Work } from './work.ts'

/**
 * `generation`: of the spec that was looked at, where there is an API server to count it.
 * `served`: there is anything left that takes requests or connections.
 */
export function conditions(work: Work, generation: number | undefined, served: boolean): FragmentConditions {
  const { invalid, unresolvedRefs } = work
  return {
    ...(generation === undefined ? {} : { generation }),
    accepted: condition(invalid, { reason: 'Accepted', message: 'the spec is understood' }, served ? 'PartiallyInvalid' : 'Invalid'),
    resolvedRefs: condition(unresolvedRefs, { reason: 'ResolvedRefs', message: 'all that it names is there and may be used' }),
  }
}

type Words = Pick<KnownCondition, 'reason' | 'message'>

/** With findings: the first of them, and how many more there are. */
function condition(findings: readonly Finding[], good: Words, reason?: string): KnownCondition {
  const [first] = findings
  if (first === undefined) return { status: true, ...good }
  const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`
  return { status: false, reason: reason ?? first.reason, message: `${first.message}${more}` }
}
