/**
 * How a Proxy spells its policies: structural schemas that read well in `kubectl explain`, and what their
 * members mean. The same schemas check the objects of a folder, which no API server has seen.
 */
import { cidr } from '../../ir/address.ts'
import { pathTemplate, plainPath } from '../../ir/template.ts'
import type { Json } from '../../ir/types.ts'
import { size, type Parsed, type Parser } from '../../ir/value.ts'
import type { Combined, PolicyValue, ProxyField } from './policy.ts'
import type { Schema } from './schema.ts'

/** A member of an object, and the fields of the policy that it sets; text: why it cannot be honoured. */
export interface Member {
  readonly schema: Schema
  read(value: Json): PolicyValue | string
}

type Range = readonly [min: number, max: number]

/** A member of any shape whose values that hold to the schema `parse` understands. */
export function member(field: string, schema: Schema, parse: (value: Json) => Parsed<Json>): Member {
  return {
    schema,
    read: (value) => {
      const parsed = parse(value)
      if ('allowed' in parsed) return `${JSON.stringify(value)} is refused; allowed: ${parsed.allowed}`
      // A typed object says what it means: what an annotation is bent to is refused here.
      return parsed.warning ?? { [field]: parsed.value }
    },
  }
}

/** A member whose value is that of the field as it stands. */
function plain(field: string, schema: Schema): Member {
  return member(field, schema, (value) => ({ value }))
}

/** A member of a Proxy that is true or false. */
export function flag(field: string, description: string): Member {
  return plain(field, { type: 'boolean', description })
}

/** A member that is a whole number of a range, both ends among it. */
export function wholeNumber(field: string, [minimum, maximum]: Range, description: string): Member {
  return plain(field, { type: 'integer', format: 'int32', minimum, maximum, description })
}

/** A text with a grammar of its own; `form` has the bounds that a schema can say. */
export function textual(field: string, parse: Parser<Json>, form: Schema): Member {
  return member(field, { type: 'string', ...form }, (value) => parse(String(value)))
}

const LONGEST_PATH = 256

/** A path in which `$1` to `$9` stand for groups of a regular expression. */
export function pathMember(field: string, description: string): Member {
  return textual(field, pathTemplate, { minLength: 1, maxLength: LONGEST_PATH, pattern: '^[A-Za-z0-9._~:/$-]+$', description })
}

/** What stands in place of the path of a rule. */
export function prefixMember(field: string): Member {
  return textual(field, plainPath, {
    minLength: 1,
    maxLength: LONGEST_PATH,
    pattern: '^/[A-Za-z0-9._~:/-]*$',
    description: 'What stands in place of the path of the rule, when that is a Prefix; another path is replaced as a whole.',
  })
}

/** One word of a closed list. The members of `values` are the words; what they stand for are fields of the policy. */
export function choice(values: Readonly<Record<string, PolicyValue>>, description: string): Member {
  return {
    schema: { type: 'string', enum: Object.keys(values), description },
    read: (value) => values[String(value)] ?? {},
  }
}

/** A length of time in whole seconds, as Go and the Gateway API write it. */
export function duration(field: string, [min, max]: Range, description: string): Member {
  const schema = {
    type: 'string',
    description: `${description} A length of time such as 90s, 15m or 1h30m, from ${min}s to ${max}s.`,
    minLength: 2,
    maxLength: 16,
    pattern: '^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$',
    'x-kubernetes-validations': [
      {
        rule: `duration(self) >= duration('${min}s') && duration(self) <= duration('${max}s')`,
        message: `must be from ${min}s to ${max}s`,
      },
    ],
  }
  return member(field, schema, (value) => {
    const seconds = secondsOf(String(value))
    return seconds >= min && seconds <= max ? { value: seconds } : { allowed: `a length of time from ${min}s to ${max}s` }
  })
}

function secondsOf(text: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? []
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}

/** A number of bytes as NGINX writes it. */
export function byteSize(field: string, [min, max]: Range, description: string): Member {
  const form = {
    description: `${description} A number of bytes, or of kibibytes (8k), mebibytes (10m) or gibibytes (1g).`,
    minLength: 1,
    maxLength: 13,
    pattern: '^[0-9]{1,12}[kKmMgG]?$',
  }
  return textual(field, size(min, max), form)
}

/** A list of addresses and ranges of them. */
export function addressRanges(field: string, maxItems: number, description: string): Member {
  const schema = {
    type: 'array',
    description: `${description} Addresses, or ranges such as 10.0.0.0/8.`,
    minItems: 1,
    maxItems,
    items: { type: 'string', minLength: 2, maxLength: 50, pattern: '^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$' },
  }
  return member(field, schema, (value) => {
    const ranges = (value as readonly string[]).map(cidr)
    const refused = ranges.find((range) => 'allowed' in range)
    return refused ?? { value: ranges.flatMap((range) => ('value' in range ? range.value : [])) }
  })
}

/** What members must be to each other, in CEL for the API server and again for us. */
export interface Rule {
  readonly cel: string
  readonly message: string
  holds(members: PolicyValue): boolean
}

/** Of these members, at most one. */
export function exclusive(...names: readonly string[]): Rule {
  return {
    cel: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(it, it).size() <= 1`,
    message: `set one of ${names.join(', ')}`,
    holds: (members) => names.filter((name) => members[name] !== undefined).length <= 1,
  }
}

interface Shape {
  readonly description: string
  readonly required?: readonly string[]
  readonly rules?: readonly Rule[]
}

/** An object of members. */
export function group(shape: string | Shape, members: Readonly<Record<string, Member>>): Member {
  const { description, required, rules = [] } = typeof shape === 'string' ? { description: shape } : shape
  const properties = Object.fromEntries(Object.entries(members).map(([name, { schema }]) => [name, schema]))
  return {
    schema: {
      type: 'object',
      description,
      properties,
      ...(required === undefined ? {} : { required }),
      ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules.map(inCel) }),
    },
    read: (value) => {
      const given = value as PolicyValue
      return rules.find((rule) => !rule.holds(given))?.message ?? readMembers(given, members)
    },
  }
}

function inCel({ cel, message }: Rule): Schema {
  return { rule: cel, message }
}

function readMembers(value: PolicyValue, members: Readonly<Record<string, Member>>): PolicyValue | string {
  let all: PolicyValue = {}
  for (const [name, given] of Object.entries(value)) {
    const read = members[name]?.read(given) ?? {}
    if (typeof read === 'string') return `${name}: ${read}`
    all = { ...all, ...read }
  }
  return all
}

/**
 * The policy's member of a rule. `combine`: what the fields that were read mean together; text: why they
 * cannot be honoured.
 */
export function proxyField(
  name: string,
  { schema, read }: Member,
  combine: (value: PolicyValue) => PolicyValue | string = (value) => value,
): ProxyField {
  return {
    name,
    schema,
    read: (value) => {
      const fields = read(value)
      return typeof fields === 'string' ? fields : combine(fields)
    },
  }
}

/** For `proxyField`: a combination that has anything wrong is refused. */
export function flawless(combine: (value: PolicyValue) => Combined): (value: PolicyValue) => PolicyValue | string {
  return (fields) => {
    const { value, problems } = combine(fields)
    return problems[0]?.message ?? value
  }
}
