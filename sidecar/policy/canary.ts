import { regularExpression } from '../ir/regex.ts'
import { template, type TemplatePart } from '../ir/template.ts'
import type { CanaryHeader, Json, PolicySet } from '../ir/types.ts'
import { boolean, integer, type Parser } from '../ir/value.ts'
import { defined, fields } from '../util/field.ts'
import { token } from './affinity.ts'
import type { Combined, Policy, PolicyValue, Problem } from './common/policy.ts'
import { exclusive, flawless, group, proxyField, textual, wholeNumber } from './common/proxy-field.ts'

/** What weights are out of by default, and at least (ingress-nginx). */
const LEAST_TOTAL = 100
/** The largest weight that a record may have. */
const MAX_TOTAL = 1_000_000
/** Above every total that is allowed, so that a weight that is merely too large is cut, not refused. */
const MAX_WEIGHT = 1_000_000_000

/** What the annotations of one object say about canaries. */
export interface CanaryPolicy {
  readonly enabled?: boolean
  /** Of `total`; both are there when it is enabled. */
  readonly weight?: number
  readonly total?: number
  readonly header?: CanaryHeader
  readonly cookie?: string
  readonly key?: readonly TemplatePart[]
}

/** The member of that name, in the form that `combine` gave it. */
export function canaryPolicy(policies: PolicySet): CanaryPolicy {
  return fields(policies.canary)
}

/** A name that a variable of NGINX can have, in lower case, as header names have none. */
const HEADER_NAME = '^[A-Za-z0-9_-]{1,128}$'
const HEADER_VALUE = '^[ -~]{1,256}$'

const headerName: Parser<string> = (text) =>
  new RegExp(HEADER_NAME).test(text)
    ? { value: text.toLowerCase() }
    : { allowed: 'the name of a header: 1 to 128 of A-Z, a-z, 0-9, "-" and "_"' }

const headerValue: Parser<string> = (text) =>
  new RegExp(HEADER_VALUE).test(text) ? { value: text } : { allowed: '1 to 256 printable ASCII characters' }

/** `value` decides over `pattern`; without both the words "always" and "never" do. */
function header(value: PolicyValue, refused: ReadonlySet<string>, problems: Problem[]): Json | undefined {
  const { header_name: name, header_value: wanted, header_pattern: pattern } = value
  const condition = wanted === undefined ? 'header_pattern' : 'header_value'
  if (name === undefined) {
    if (value[condition] !== undefined) problems.push({ field: condition, message: 'it has no effect without canary-by-header' })
    return undefined
  }
  // Without its condition the rule would be another one: that of the words.
  if (wanted === undefined && (refused.has('header_value') || refused.has('header_pattern'))) {
    problems.push({ field: 'header_name', message: 'it has no effect, since what the header must be is refused' })
    return undefined
  }
  return wanted === undefined ? defined({ name, pattern }) : { name, value: wanted }
}

function weight(value: PolicyValue, problems: Problem[]): { readonly weight: number; readonly total: number } {
  const total = Math.max(LEAST_TOTAL, Number(value.total ?? LEAST_TOTAL))
  const asked = Number(value.weight ?? 0)
  if (asked > total) problems.push({ field: 'weight', message: `${asked} is more than the total of ${total}, which applies` })
  return { weight: Math.min(asked, total), total }
}

function combine(value: PolicyValue, refused: ReadonlySet<string>): Combined {
  const problems: Problem[] = []
  const { enabled, cookie, key } = value
  if (enabled === true) {
    const shares = weight(value, problems)
    return { value: defined({ enabled, ...shares, header: header(value, refused, problems), cookie, key }), problems }
  }
  const [field] = Object.keys(value).filter((name) => name !== 'key')
  if (field !== undefined && enabled === undefined && !refused.has('enabled')) {
    problems.push({ field, message: 'it has no effect without "canary: true"' })
  }
  return { value: defined({ key }), problems }
}

const proxyHeader = group(
  {
    description: 'A header that decides: "always" goes to the canary and "never" does not, or what value or pattern say.',
    required: ['name'],
    rules: [exclusive('value', 'pattern')],
  },
  {
    name: textual('header_name', headerName, {
      description: 'Name of the header.', minLength: 1, maxLength: 128, pattern: HEADER_NAME,
    }),
    value: textual('header_value', headerValue, {
      description: 'The header with this value, and no other word, goes to the canary.',
      minLength: 1,
      maxLength: 256,
      pattern: HEADER_VALUE,
    }),
    pattern: textual('header_pattern', regularExpression, {
      description: 'A regular expression: the header that it finds goes to the canary.', minLength: 1, maxLength: 512,
    }),
  },
)

const proxy = {
  ...proxyField(
    'canary',
    group(
      'The rules are no routes of their own, but take a share of the requests of a rule of another object of the namespace ' +
        'with the same host, path, path type and conditions.',
      {
        weight: wholeNumber('weight', [0, MAX_TOTAL], 'Share of the requests, out of weightTotal; 0 when not set.'),
        weightTotal: wholeNumber('total', [1, MAX_TOTAL], '100 when not set or less.'),
        header: proxyHeader,
        cookie: textual('cookie', token, {
          description: 'Name of a cookie: "always" goes to the canary, "never" does not.', minLength: 1, maxLength: 128,
        }),
        hashBy: textual('key', template, {
          description: 'A text with variables, such as $remote_addr: requests with the same stay together when weights change.',
          minLength: 1,
          maxLength: 256,
        }),
      },
    ),
    flawless((value) => combine({ enabled: true, ...value }, new Set())),
  ),
  whole: true as const,
}

/**
 * The paths of the object are no routes of their own but take a share of the routes of others that have
 * the same host, path and type: see snapshot/canary.ts. `key` may also stand at the main object.
 */
export const canary = {
  name: 'canary',
  fields: {
    enabled: {
      annotation: 'canary',
      parse: boolean,
      about: 'The paths take a share of the requests of the main Ingress: see below',
    },
    header_name: {
      annotation: 'canary-by-header',
      parse: headerName,
      about: 'Name of a header: "always" goes to the canary, "never" does not',
    },
    header_value: {
      annotation: 'canary-by-header-value',
      parse: headerValue,
      about: 'The header with this value, and no other word, goes to the canary',
    },
    header_pattern: {
      annotation: 'canary-by-header-pattern',
      parse: regularExpression,
      about: 'The header that this finds goes to the canary',
    },
    cookie: {
      annotation: 'canary-by-cookie',
      parse: token,
      about: 'Name of a cookie: "always" goes to the canary, "never" does not',
    },
    weight: {
      annotation: 'canary-weight',
      parse: integer(0, MAX_WEIGHT),
      about: 'Share of the requests, out of the total',
    },
    total: {
      annotation: 'canary-weight-total',
      parse: integer(1, MAX_TOTAL),
      about: 'The total; 100 when not set or less',
    },
    key: {
      annotation: 'canary-hash-by',
      parse: template,
      about: 'Ours. Requests with the same value stay together when weights change; may have variables',
    },
  },
  proxy,
  combine,
} satisfies Policy
