/** Annotations for Ingresses on a Proxy: somebody expects what they say there. */
import { OWN_PREFIX } from '../../ir/names.ts'
import { fields } from '../../util/field.ts'
import type { Work } from './work.ts'

const MAX_REPORTED = 20

/** A finding for each of the first ones. */
export function reportAnnotations(annotations: unknown, work: Work): void {
  const prefixes = [OWN_PREFIX, work.context.options.annotationsPrefix]
  const ignored = Object.keys(fields(annotations)).filter((name) => prefixes.some((prefix) => name.startsWith(`${prefix}/`)))
  for (const name of ignored.slice(0, MAX_REPORTED)) {
    work.warn(
      `metadata.annotations[${name}]`, 'IgnoredAnnotation',
      'annotations have no effect on a Proxy; docs/proxy.md says which field of its spec means the same',
    )
  }
}
