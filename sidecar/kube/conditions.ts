/** `status.conditions` of a kind, as metav1.Condition: https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition */
import type { KnownCondition } from '../ir/types.ts'
import { fields, items, text } from '../util/field.ts'
import { plain, seconds } from './event-body.ts'
import type { Resource } from './resource.ts'
import type { StatusKind } from './status.ts'

export interface ConditionsWish {
  /** Of the spec that this is about; absent where objects have none. */
  readonly generation?: number
  /** By type. */
  readonly conditions: Readonly<Record<string, KnownCondition>>
}

/** A condition as it stands in an object, ours or somebody else's. */
export type Condition = Readonly<Record<string, unknown>>

/** Conditions of other types than ours stay; the time of a transition stays until `status` is another one. */
export function conditionsOf(
  resource: Resource,
  now: () => Date = () => new Date(),
): StatusKind<ConditionsWish, readonly Condition[]> {
  return {
    resource,
    see: (object) => items(fields(object['status'])['conditions']).map(fields),
    same: (one, other) => JSON.stringify(one) === JSON.stringify(other),
    change: (wish, seen) => {
      const ours = Object.entries(wish.conditions).map(([type, known]) => {
        const before = seen.find((each) => each['type'] === type)
        return conditionOf(type, known, { generation: wish.generation, before, now })
      })
      if (ours.every((condition) => seen.includes(condition))) return undefined
      return { conditions: [...ours, ...seen.filter(({ type }) => !(text(type) in wish.conditions))] }
    },
  }
}

interface Circumstances {
  readonly generation: number | undefined
  readonly before: Condition | undefined
  readonly now: () => Date
}

/** The condition that was there before, when nothing about it changes. */
function conditionOf(type: string, known: KnownCondition, { generation, before, now }: Circumstances): Condition {
  const status = known.status ? 'True' : 'False'
  const said = {
    type,
    status,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    reason: known.reason,
    message: plain(known.message),
  }
  const since = before?.['status'] === status ? text(before['lastTransitionTime']) : ''
  if (since === '') return { ...said, lastTransitionTime: seconds(now()) }
  return before !== undefined && says(before, said) ? before : { ...said, lastTransitionTime: since }
}

function says(condition: Condition, said: Condition): boolean {
  return Object.entries(said).every(([member, value]) => condition[member] === value)
}
