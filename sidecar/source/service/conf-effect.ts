/** What a directive of `conf` does to the routes of its Service. */
import type { Json } from '../../ir/types.ts'
import type { Direction, HeaderChange } from '../../policy/common/headers.ts'

/** A step of one of the policies for headers. NGINX runs steps by rank, whatever stands first. */
export interface HeaderEffect {
  readonly direction: Direction
  readonly change: HeaderChange
  readonly rank: number
}

/** A field of a policy. */
export interface FieldEffect {
  readonly policy: string
  readonly field: string
  readonly value: Json
}

export type Effect = HeaderEffect | FieldEffect

/** What a directive does; text: what is wrong with it. */
export type Reading = readonly Effect[] | string
