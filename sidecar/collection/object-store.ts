/** The Kubernetes objects that are known now, by kind: where sources write and translation reads. */
import { objectKey } from '../ir/object-name.ts'
import type { Collection, Graph, Source } from './graph.ts'
import { KINDS, type Kind, type KubeObject, type ObjectSink } from './objects.ts'

export class ObjectStore implements ObjectSink {
  readonly #objects: ReadonlyMap<Kind, Source<KubeObject>>
  readonly #listed: Source<true>

  constructor(graph: Graph) {
    this.#objects = new Map(KINDS.map((kind) => [kind, graph.source<KubeObject>()]))
    this.#listed = graph.source<true>()
  }

  of(kind: Kind): Source<KubeObject> {
    const source = this.#objects.get(kind)
    if (source === undefined) throw new TypeError(`kind ${kind} is not watched`)
    return source
  }

  /** What has been listed: `Kind` for a whole kind, `Kind scope` for a part. */
  get listed(): Collection<true> {
    return this.#listed
  }

  /** Whether an object that is not here is known not to exist. */
  static listedKeys(kind: Kind, namespace: string, name: string): readonly string[] {
    return [kind, `${kind} ${namespace}`, `${kind} ${namespace}/${name}`]
  }

  isListed(kind: Kind, namespace: string, name: string): boolean {
    return ObjectStore.listedKeys(kind, namespace, name).some((key) => this.#listed.get(key) === true)
  }

  /** The object is not looked up any more: from now on nothing is known of it. */
  forget(kind: Kind, namespace: string, name: string): void {
    this.delete(kind, namespace, name)
    this.#listed.delete(`${kind} ${namespace}/${name}`)
  }

  replace(kind: Kind, objects: readonly KubeObject[], scope?: string): void {
    const source = this.of(kind)
    const incoming = new Set(objects.map((object) => objectKey(object.metadata)))
    for (const key of source.keys()) {
      if (isInScope(key, scope) && !incoming.has(key)) source.delete(key)
    }
    for (const object of objects) this.set(object)
    this.#listed.set(scope === undefined ? kind : `${kind} ${scope}`, true)
  }

  set(object: KubeObject): void {
    const source = this.of(object.kind)
    const key = objectKey(object.metadata)
    const known = source.get(key)
    if (known !== undefined && sameVersion(known, object)) return
    source.set(key, object)
  }

  delete(kind: Kind, namespace: string, name: string): void {
    this.of(kind).delete(objectKey({ namespace, name }))
  }
}

/** A relist brings every object again; those with an unchanged resourceVersion are not news. */
function sameVersion(known: KubeObject, object: KubeObject): boolean {
  const { uid, resourceVersion } = known.metadata
  if (resourceVersion === undefined) return false
  return resourceVersion === object.metadata.resourceVersion && uid === object.metadata.uid
}

function isInScope(key: string, scope: string | undefined): boolean {
  return scope === undefined || key === scope || key.startsWith(`${scope}/`)
}
