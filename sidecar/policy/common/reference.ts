/** How fields of policies name Secrets and ConfigMaps. */
import { isObjectName } from '../../ir/names.ts'
import { objectName } from '../../ir/object-name.ts'
import type { Parser } from '../../ir/value.ts'

/** Two names and a slash. */
const LONGEST = 507

/** The parser of every field that names an object. */
export const reference: Parser<string> = (text) => {
  const parts = text.split('/', 3)
  const isName = text.length <= LONGEST && parts.length <= 2 && parts.every((part) => isObjectName(part))
  return isName ? { value: text } : { allowed: 'the name of an object, or "namespace/name"' }
}

/** `namespace/name` of what an object in `namespace` names; undefined: something in another one. */
export function inNamespace(name: string, namespace: string): string | undefined {
  if (!name.includes('/')) return `${namespace}/${name}`
  return objectName(name).namespace === namespace ? name : undefined
}
