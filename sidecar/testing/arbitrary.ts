/** Values for property tests: those that a JSON Schema allows (the keywords that our schemas use), and damaged ones. */
import type { Json } from '../ir/types.ts'
import type { Schema } from '../policy/common/schema.ts'
import { fc } from './property.ts'

type Arbitrary = fc.Arbitrary<Json>
/** What stands for a pattern, where any text that matches it would be no use. */
export type ByPattern = Readonly<Record<string, Arbitrary>>

/** Lists and numbers of the schemas may be large; where they have no bound, what reads them still may. */
const MOST_ITEMS = 4
const LARGEST = 60

/** What stands for the patterns of schemas, by how each begins. Throws when there is none that begins so. */
export function byStart(schemas: object, arbitraries: ByPattern): ByPattern {
  const patterns = [...JSON.stringify(schemas).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)]
    .map(([, text]) => JSON.parse(text ?? '""') as string)
  return Object.fromEntries(Object.entries(arbitraries).map(([start, arbitrary]) => {
    const pattern = patterns.find((one) => one.startsWith(start))
    if (pattern === undefined) throw new RangeError(`no pattern begins with ${start}`)
    return [pattern, arbitrary]
  }))
}

/** Values that a schema allows. Throws at a keyword that it does not know: that would be a hole in the test. */
export function arbitraryOf(schema: Schema, byPattern: ByPattern = {}): Arbitrary {
  if ('const' in schema) return fc.constant(schema['const'] as Json)
  if ('enum' in schema) return fc.constantFrom(...schema['enum'] as readonly Json[])
  const either = schema['oneOf'] ?? schema['anyOf']
  if (either !== undefined) return fc.oneof(...(either as readonly Schema[]).map((one) => arbitraryOf(one, byPattern)))
  return ofType(schema, byPattern)
}

function ofType(schema: Schema, byPattern: ByPattern): Arbitrary {
  switch (schema['type']) {
    case 'boolean': return fc.boolean()
    case 'integer': return fc.integer(bounds(schema))
    case 'string': return texts(schema, byPattern)
    case 'array': return arrays(schema, byPattern)
    case 'object': return objects(schema, byPattern)
    case undefined: return fc.jsonValue() as Arbitrary
    default: throw new TypeError(`no arbitrary for ${JSON.stringify(schema)}`)
  }
}

function bounds({ minimum, maximum }: Schema): { min: number; max: number } {
  return { min: typeof minimum === 'number' ? minimum : 0, max: typeof maximum === 'number' ? maximum : LARGEST }
}

function texts({ pattern, minLength }: Schema, byPattern: ByPattern): Arbitrary {
  if (typeof pattern === 'string') return byPattern[pattern] ?? fc.stringMatching(new RegExp(pattern), { size: 'small' })
  return fc.string({ minLength: typeof minLength === 'number' ? minLength : 0, maxLength: 64 })
}

function arrays({ items = {}, minItems = 0 }: Schema, byPattern: ByPattern): Arbitrary {
  const least = Number(minItems)
  if (!Array.isArray(items)) {
    const maxLength = Math.max(least, MOST_ITEMS)
    return fc.array(arbitraryOf(items as Schema, byPattern), { minLength: least, maxLength })
  }
  const members = (items as readonly Schema[]).map((item) => arbitraryOf(item, byPattern))
  return fc.oneof(...[least, members.length].map((length) => fc.tuple(...members.slice(0, length))))
}

function objects({ properties = {}, required = [], additionalProperties }: Schema, byPattern: ByPattern): Arbitrary {
  if (typeof additionalProperties === 'object') {
    return fc.dictionary(fc.string(), arbitraryOf(additionalProperties as Schema, byPattern), { maxKeys: MOST_ITEMS })
  }
  const members = Object.entries(properties as Readonly<Record<string, Schema>>)
    .map(([name, member]) => [name, arbitraryOf(member, byPattern)] as const)
  return fc.record(Object.fromEntries(members), { requiredKeys: [...required as readonly string[]] })
}

const STRANGE: readonly Json[] = [
  null, true, -1, 0, 0.5, 2 ** 53, 1e300, '', '\0', 'a\r\nb', '../..', '$uri', '"; {}', 'ä', '%00', 'x'.repeat(5000),
  [], {}, [[]],
]

/** A copy of a value with one place damaged: gone, or something else. */
export function damaged(value: Json): Arbitrary {
  const strange = fc.oneof(fc.constantFrom(...STRANGE), fc.jsonValue() as Arbitrary)
  if (value === null || typeof value !== 'object' || Object.keys(value).length === 0) return strange
  const inside = Array.isArray(value)
    ? insideArray(value as readonly Json[], strange)
    : insideObject(value as Readonly<Record<string, Json>>, strange)
  // Mostly deeper: what is damaged at the top is refused by the first check.
  return fc.oneof(strange, { arbitrary: inside, weight: 8 })
}

function insideArray(list: readonly Json[], strange: Arbitrary): Arbitrary {
  const index = fc.nat({ max: list.length - 1 })
  return fc.oneof(
    index.map((at) => list.toSpliced(at, 1)),
    fc.tuple(index, strange).map(([at, item]) => list.toSpliced(at, 0, item)),
    index.chain((at) => damaged(list[at] ?? null).map((item) => list.with(at, item))),
  )
}

function insideObject(members: Readonly<Record<string, Json>>, strange: Arbitrary): Arbitrary {
  const name = fc.constantFrom('', ...Object.keys(members))
  const deeper = name.chain((at) => damaged(members[at] ?? null).map((item) => ({ ...members, [at]: item })))
  return fc.oneof(
    name.map((gone) => Object.fromEntries(Object.entries(members).filter(([other]) => other !== gone))),
    fc.tuple(fc.string(), strange).map(([added, item]) => ({ ...members, [added]: item })),
    { arbitrary: deeper, weight: 8 },
  )
}
