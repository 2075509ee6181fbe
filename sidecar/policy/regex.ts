import { boolean } from '../ir/value.ts'
import type { Policy } from './common/policy.ts'

/** The paths of the object are regular expressions: case-insensitive, anchored at the start only. */
export const regex: Policy = {
  name: 'regex',
  fields: {
    use: { annotation: 'use-regex', parse: boolean, about: 'Paths are regular expressions: case-insensitive, anchored at the start' },
  },
}
