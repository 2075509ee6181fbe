/** Strict validation of manifests by the attribute tables of the Kubernetes client, without an API server. */
import * as client from '@kubernetes/client-node'

interface Attribute {
  readonly baseName: string
  readonly type: string
}

interface Model {
  getAttributeTypeMap(): readonly Attribute[]
}

type Fields = Readonly<Record<string, unknown>>

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  IntOrString: (value) => typeof value === 'string' || Number.isInteger(value),
  any: () => true,
}
const LIST = /^Array<(.*)>$/
const MAP = /^\{ \[key: string\]: (.*); \}$/

/**
 * What is wrong with an object, one text for each unknown field or value of a wrong type; empty: nothing.
 * Required fields are not in the client's tables: only a real API server checks those.
 * @param type a class name of the client, for example `V1Deployment`
 */
export function schemaErrors(type: string, value: unknown, path = type): string[] {
  const isScalar = SCALARS[type]
  if (isScalar !== undefined) return isScalar(value) ? [] : [`${path}: not a ${type}`]
  const item = LIST.exec(type)?.[1]
  if (item !== undefined) return listErrors(item, value, path)
  if (!isRecord(value)) return [`${path}: not an object`]
  const entry = MAP.exec(type)?.[1]
  return entry === undefined ? fieldErrors(type, value, path) : mapErrors(entry, value, path)
}

function listErrors(item: string, value: unknown, path: string): string[] {
  if (!Array.isArray(value)) return [`${path}: not a list`]
  return value.flatMap((each, index) => schemaErrors(item, each, `${path}[${index}]`))
}

function mapErrors(entry: string, value: Fields, path: string): string[] {
  return Object.entries(value).flatMap(([key, each]) => schemaErrors(entry, each, `${path}.${key}`))
}

function fieldErrors(type: string, value: Fields, path: string): string[] {
  const attributes = new Map(attributesOf(type).map((attribute) => [attribute.baseName, attribute.type]))
  return Object.entries(value).flatMap(([name, each]) => {
    const expected = attributes.get(name)
    const field = `${path}.${name}`
    return expected === undefined ? [`${field}: unknown field`] : schemaErrors(expected, each, field)
  })
}

function attributesOf(type: string): readonly Attribute[] {
  const models = client as unknown as Readonly<Record<string, Partial<Model> | undefined>>
  const attributes = models[type]?.getAttributeTypeMap?.()
  if (attributes === undefined) throw new Error(`the Kubernetes client has no type ${type}`)
  return attributes
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
