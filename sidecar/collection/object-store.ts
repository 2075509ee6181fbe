/** The Kubernetes objects that are known now, by kind: where sources write and translation reads. */
import { objectKey, objectName } from '../ir/object-name.ts'
import type { Collection, Graph, Reader, Source } from './graph.ts'
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

  /** Whether the object is known not to exist if it is not here. */
  isListed(kind: Kind, key: string): boolean {
    return listedKeys(kind, key).some((it) => this.#listed.get(it) === true)
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

/** The same for a derivation: `listed` is that of the store, `key` is `namespace/name`. */
export function isListed(read: Reader, listed: Collection<true>, kind: Kind, key: string): boolean {
  return listedKeys(kind, key).some((it) => read.get(listed, it) === true)
}

function listedKeys(kind: Kind, key: string): readonly string[] {
  return [kind, `${kind} ${objectName(key).namespace}`, `${kind} ${key}`]
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
