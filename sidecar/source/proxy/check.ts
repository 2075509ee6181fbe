/** Parts of a Proxy held against its schema: objects of a folder have met no API server before. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { quoted } from '../../ir/names.ts'
import type { Json } from '../../ir/types.ts'
import type { Schema } from '../../policy/common/schema.ts'
import { fields, items, text } from '../../util/field.ts'

/** What is wrong, and in which field, by its path from `spec` on. */
export interface Refusal {
  readonly field: string
  readonly message: string
}

export type Checked = { readonly value: Json } | { readonly refusal: Refusal }

// The first problem of a part is enough, and lengths are looked at before patterns.
const ajv = new Ajv({ strict: false, useDefaults: true, validateFormats: false, verbose: true, logger: false })
const compiled = new WeakMap<Schema, ValidateFunction>()

/** The value with the defaults of the schema filled in, or the first thing that is wrong. `field` is its path. */
export function check(schema: Schema, value: unknown, field: string): Checked {
  const copy = withoutNulls(value)
  const validate = compiled.get(schema) ?? ajv.compile(closed(schema))
  compiled.set(schema, validate)
  if (validate(copy)) return { value: copy as Json }
  const [error] = validate.errors ?? []
  return { refusal: error === undefined ? { field, message: 'it is refused' } : refusalOf(error, field) }
}

/** The API server drops what is null; what has a default gets it. A copy, since defaults are written into it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]))
}

/** Structural schemas cannot say that there are no other members: the API server drops these. */
function closed(schema: Schema): Schema {
  const { properties, items, ...rest } = schema
  const members = Object.entries(fields(properties)).map(([name, member]) => [name, closed(member as Schema)])
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(members), additionalProperties: false }),
    ...(items === undefined ? {} : { items: closed(items as Schema) }),
  }
}

function refusalOf(error: ErrorObject, field: string): Refusal {
  const at = field + error.instancePath.replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')
  if (error.keyword === 'additionalProperties') {
    const { additionalProperty } = error.params as { additionalProperty: string }
    return { field: at, message: `${quoted(additionalProperty)} is no field of it` }
  }
  if (error.keyword === 'required') return { field: at, message: `it ${error.message ?? ''}` }
  return { field: at, message: `${quoted(error.data)} is refused; ${allowed(error)}` }
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list', boolean: 'true or false', integer: 'a whole number', number: 'a number', object: 'an object', string: 'text, in quotes',
}

/** Of a text with a grammar, the description says more than its pattern; of an object, the names of its members. */
function allowed({ keyword, schema, parentSchema, message }: ErrorObject): string {
  const { description, anyOf, properties } = fields(parentSchema)
  const members = Object.keys(fields(properties))
  if (keyword === 'type' && members.length > 0) return `allowed: an object with ${members.join(', ')}`
  if (keyword === 'type') return `allowed: ${TYPES[text(schema)] ?? text(schema)}`
  if (keyword === 'enum') return `allowed: one of ${items(schema).join(', ')}`
  const form = keyword === 'pattern' || anyOf !== undefined ? text(description) : ''
  return form === '' ? `it ${message ?? 'does not hold to the schema'}` : `allowed: ${form.replace(/\.$/, '')}`
}
