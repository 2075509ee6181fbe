import { pathTemplate } from '../ir/template.ts'
import type { Json, PolicySet } from '../ir/types.ts'
import { defined } from '../util/field.ts'
import { TEMPLATE_SCHEMA } from './load-balance.ts'
import { object, type Policy, type PolicyValue, type RouteContext } from './policy.ts'

/**
 * `rewrite-target` makes the paths of its object regular expressions (source/ingress), but for those that it
 * would leave as they are, and default backends, which have no path of their own.
 */
function byTarget({ target, forwarded_prefix: prefix }: PolicyValue, { path, pathType }: RouteContext): Json | undefined {
  if (target === undefined || pathType !== 'Regex' || isTarget(target, path)) return undefined
  return defined({ path: target, forwarded_prefix: prefix })
}

function isTarget(target: Json, path: string): boolean {
  return JSON.stringify(target) === JSON.stringify([{ text: path }])
}

/** Whether `rewrite-target` makes a regular expression of a path. */
export function rewritesPath(policies: PolicySet, path: unknown): boolean {
  const { target } = (policies.rewrite ?? {}) as PolicyValue
  return target !== undefined && !isTarget(target, String(path ?? '/'))
}

/** The path that the backend sees. */
export const rewrite = {
  name: 'rewrite',
  fields: {
    target: {
      annotation: 'rewrite-target',
      parse: pathTemplate,
      about: 'The path that the backend sees, with $1 to $9 for what groups of the path matched; makes paths regular expressions: see below',
    },
    forwarded_prefix: {
      annotation: 'x-forwarded-prefix',
      parse: pathTemplate,
      about: 'X-Forwarded-Prefix for the backend, with `rewrite-target` only',
    },
  },
  runtime: {
    schema: {
      oneOf: [
        object({ path: TEMPLATE_SCHEMA }, { forwarded_prefix: TEMPLATE_SCHEMA }),
        object({ prefix: { type: 'string', pattern: '^/' } }),
        object({ regex: { type: 'string' }, substitution: TEMPLATE_SCHEMA }),
      ],
    },
    effect: byTarget,
  },
} satisfies Policy
