/** Schemas of what policies are made of. */
import { MAX_TEXT } from '../../ir/template.ts'
import type { Json } from '../../ir/types.ts'

/** JSON Schema of a value; those of a Proxy are structural, as Kubernetes wants them. */
export type Schema = { readonly [keyword: string]: Json }

export type Members = { readonly [member: string]: Schema }

/** Of an object that has all of these members, some of these others, and no other. */
export function object(properties: Members, optional: Members = {}): Schema {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  }
}

const PART: Schema = {
  oneOf: [
    object({ text: { type: 'string', minLength: 1, maxLength: MAX_TEXT } }),
    object({ var: { type: 'string', pattern: '^[a-z][a-z0-9_]*$' } }),
    object({ capture: { type: 'integer', minimum: 0, maximum: 9 } }),
  ],
}

/** Of a template that ir/template.ts parsed. */
export const TEMPLATE_SCHEMA: Schema = { type: 'array', items: PART, minItems: 1, maxItems: 16 }
