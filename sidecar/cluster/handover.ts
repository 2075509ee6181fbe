/**
 * An Ingress or Proxy that moves to the class of another controller is served on for a while: the other one
 * needs a moment, and clients still have our address. For so long its new version is kept from the
 * translation, while its status is the other's already.
 */
import type { Collection, Reader } from '../collection/graph.ts'
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import { objectKey } from '../ir/object-name.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { hasClass, isOurs } from '../source/class.ts'
import type { ClassOptions } from '../source/context.ts'

export interface HandoverOptions {
  readonly sink: ObjectSink
  readonly pipeline: Pipeline
  readonly classes: ClassOptions
  /** 0: an object that moves away is not served any more at once. */
  readonly seconds: number
  /** The status of this object (`<kind>/<namespace>/<name>`) is for others to write from now on. */
  readonly began: (key: string) => void
  /** It came back before it was gone. */
  readonly returned: (key: string) => void
}

interface Held {
  /** The newest version. */
  object: KubeObject
  readonly timer: NodeJS.Timeout
}

const KINDS: ReadonlySet<Kind> = new Set<Kind>(['Ingress', 'Proxy'])

/** Looks at what is known now; nothing is computed again because of it. */
const NOW: Reader = {
  get: (collection, key) => collection.get(key),
  lookup: (index, key) => index.lookup(key),
  all: (collection) => [...collection.all()],
}

export class Handover implements ObjectSink {
  readonly #options: HandoverOptions
  readonly #ingressClasses: Collection<KubeObject>
  readonly #held = new Map<string, Held>()

  constructor(options: HandoverOptions) {
    this.#options = options
    this.#ingressClasses = options.pipeline.objects.of('IngressClass')
  }

  replace(kind: Kind, objects: readonly KubeObject[], scope?: string): void {
    this.#options.sink.replace(kind, KINDS.has(kind) ? this.#relisted(kind, objects) : objects, scope)
  }

  set(object: KubeObject): void {
    if (this.#hold(object) === undefined) this.#options.sink.set(object)
  }

  delete(kind: Kind, namespace: string, name: string): void {
    this.#release(`${kind}/${objectKey({ namespace, name })}`)
    this.#options.sink.delete(kind, namespace, name)
  }

  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
  }

  #relisted(kind: Kind, objects: readonly KubeObject[]): KubeObject[] {
    const listed = new Set(objects.map(keyOf))
    for (const key of this.#held.keys()) if (key.startsWith(`${kind}/`) && !listed.has(key)) this.#release(key)
    return objects.map((object) => this.#hold(object) ?? object)
  }

  /** The version that is served on; undefined: this one counts. */
  #hold(object: KubeObject): KubeObject | undefined {
    if (!KINDS.has(object.kind)) return undefined
    const key = keyOf(object)
    const served = this.#served(key, object)
    if (served === undefined || !this.#movesAway(object)) {
      if (this.#release(key)) this.#options.returned(key)
      return undefined
    }
    const held = this.#held.get(key)
    if (held === undefined) this.#begin(key, object)
    else held.object = object
    return served
  }

  /** The version of this object, not of one before of the same name, that is ours. */
  #served(key: string, { kind, metadata }: KubeObject): KubeObject | undefined {
    const { pipeline } = this.#options
    const known = pipeline.objects.of(kind).get(objectKey(metadata))
    return known?.metadata.uid === metadata.uid && pipeline.fragments.get(key) !== undefined ? known : undefined
  }

  #movesAway(object: KubeObject): boolean {
    const { classes: options, seconds } = this.#options
    const context = { options, ingressClasses: this.#ingressClasses }
    return seconds > 0 && hasClass(object, NOW, context) && !isOurs(object, NOW, context)
  }

  #begin(key: string, object: KubeObject): void {
    const timer = setTimeout(() => this.#end(key), this.#options.seconds * 1000).unref()
    this.#held.set(key, { object, timer })
    this.#options.began(key)
  }

  #end(key: string): void {
    const held = this.#held.get(key)
    this.#held.delete(key)
    if (held !== undefined) this.#options.sink.set(held.object)
  }

  /** false: it was not held. */
  #release(key: string): boolean {
    clearTimeout(this.#held.get(key)?.timer)
    return this.#held.delete(key)
  }
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${objectKey(metadata)}`
}
