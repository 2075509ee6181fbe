import type { Settings } from '../ir/settings.ts'
import { boolean, integer, list, type Parser } from '../ir/value.ts'
import { directive, keyword, number, onOff, type Directive } from '../syntax/directive.ts'
import type { Policy, PolicyValue } from './common/policy.ts'
import { member, proxyField } from './common/proxy-field.ts'
import { object, type Schema } from './common/schema.ts'

const MIN = 400
const MAX = 599
/** NGINX has a meaning of its own for these: close without an answer, and the client has gone. */
const NEVER: readonly number[] = [444, 499]
const MAX_STATUSES = MAX - MIN + 1

const status: Parser<number> = (text) => {
  const parsed = integer(MIN, MAX)(text)
  const isGood = 'value' in parsed && !NEVER.includes(parsed.value)
  return isGood ? parsed : { allowed: `a status from ${MIN} to ${MAX}, except ${NEVER.join(' and ')}` }
}

/** Statuses of errors that have a page of their own. */
export const statuses: Parser<readonly number[]> = list(status, MAX_STATUSES)

/** In order and once: equal sets share one location class. */
function statusesOf({ statuses: own }: PolicyValue, { customHttpErrors }: Settings): readonly number[] {
  const said = Array.isArray(own) ? (own as readonly number[]) : customHttpErrors
  return [...new Set(said)].sort((left, right) => left - right)
}

/**
 * `error_page` without `=`, so that Lua learns the status. NGINX answers the errors of `@custom_errors` itself, by the
 * pages of the server: there is no way back into it.
 */
function directives(value: PolicyValue, settings: Settings): readonly Directive[] {
  const codes = statusesOf(value, settings)
  if (codes.length === 0) return []
  return [
    ...((value.own_only ?? settings.disableProxyInterceptErrors) === true ? [] : [directive('proxy_intercept_errors', onOff(true))]),
    directive('recursive_error_pages', onOff(true)),
    directive('error_page', ...codes.map((code) => number(code, MIN, MAX)), keyword('@custom_errors')),
  ]
}

const SCHEMA: Schema = {
  type: 'array',
  description:
    'Statuses of errors that the default backend has pages for: it is asked with headers that tell of the error, and answers ' +
    `in place of the backend. From ${MIN} to ${MAX}, except ${NEVER.join(' and ')}.`,
  minItems: 1,
  maxItems: MAX_STATUSES,
  items: { type: 'integer', format: 'int32', minimum: MIN, maximum: MAX },
}

/** Errors whose pages come from a default backend. */
export const customErrors = {
  name: 'custom_errors',
  fields: {
    statuses: {
      annotation: 'custom-http-errors',
      parse: statuses,
      about: 'Statuses of errors that are answered with a page of the default backend: see below',
    },
    own_only: {
      annotation: 'disable-proxy-intercept-errors',
      parse: boolean,
      about: 'Pages of `custom-http-errors` only for errors of NGINX itself; those of backends are passed on',
    },
  },
  proxy: proxyField(
    'customHTTPErrors',
    member('statuses', SCHEMA, (value) => statuses((value as readonly number[]).join(','))),
  ),
  always: true,
  directives,
  runtime: {
    schema: object({
      statuses: { type: 'array', items: { type: 'integer', minimum: MIN, maximum: MAX }, minItems: 1, maxItems: MAX_STATUSES },
    }),
    always: true,
    effect: (value, { settings }) => {
      const codes = statusesOf(value, settings)
      return codes.length === 0 ? undefined : { statuses: codes }
    },
  },
} satisfies Policy
