/** Which annotations NGINX has to reload for, found out by the golden cases: nginx.conf is another one without them. */
import type { KubeObject } from '../collection/objects.ts'
import { translate, type Translation } from '../translate.ts'
import { GOLDEN_CASES, objectsOf, optionsOf } from './hostile/examples.ts'
import { GOLDEN_OPTIONS } from './inputs.ts'

function nameOf(annotation: string): string {
  return annotation.slice(annotation.indexOf('/') + 1)
}

/** An object alone is changed: others of the case may say the same, for the same class. */
function withoutAnnotation(object: KubeObject, annotation: string): KubeObject {
  const { [annotation]: _, ...annotations } = object.metadata.annotations ?? {}
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** One whose annotations are right, as a wrong one turns the meaning of others around; a canary has no directives. */
function isExample({ kind, metadata }: KubeObject, faulty: ReadonlySet<string>): boolean {
  const names = Object.keys(metadata.annotations ?? {}).map(nameOf)
  return kind === 'Ingress' && !faulty.has(metadata.name) && !names.includes('canary')
}

/** Names without prefix, of annotations of Ingresses. */
export function reloading(): ReadonlySet<string> {
  const found = new Set<string>()
  for (const name of GOLDEN_CASES) addReloading(name, found)
  return found
}

function addReloading(name: string, found: Set<string>): void {
  const all = objectsOf(name)
  const options = { ...GOLDEN_OPTIONS, ...optionsOf(name) }
  const listeners = { addresses: [], httpPort: 80, httpsPort: 443, sslPassthrough: options.sslPassthrough }
  const others = all.filter(({ kind }) => kind !== 'Ingress' && kind !== 'Proxy')
  const translated = (...objects: readonly KubeObject[]): Translation =>
    translate({ objects: [...others, ...objects], options, listeners })
  const faulty = new Set(translated(...all).findings.flatMap(({ reason, origin }) => (reason === 'InvalidAnnotation' ? [origin.name] : [])))
  for (const object of all.filter((it) => isExample(it, faulty))) {
    const annotations = Object.keys(object.metadata.annotations ?? {}).filter((it) => !found.has(nameOf(it)))
    const { config } = translated(object)
    const acting = annotations.filter((it) => translated(withoutAnnotation(object, it)).config !== config)
    for (const annotation of acting) found.add(nameOf(annotation))
  }
}
