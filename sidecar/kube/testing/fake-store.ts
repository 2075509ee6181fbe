/** The state behind the fake API server: objects, one revision counter, a history that can be compacted. */

export interface FakeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export interface FakeChange {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly collection: string
  readonly object: FakeObject
}

/** What a test writes; the store adds uid and resourceVersion. */
export interface FakeInput {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

export class FakeStore {
  revision = 1
  /** Changes up to this revision can no longer be watched. */
  compacted = 0
  readonly #objects = new Map<string, { readonly collection: string; readonly object: FakeObject }>()
  readonly #history: FakeChange[] = []
  readonly #listeners = new Set<(change: FakeChange) => void>()

  /** `collection` is the path of the whole kind, for example `/api/v1/services`. */
  put(collection: string, input: FakeInput): FakeObject {
    const key = keyOf(collection, input.metadata)
    const old = this.#objects.get(key)?.object
    const revision = ++this.revision
    const uid = old?.metadata.uid ?? `uid-${revision}`
    const metadata = { ...input.metadata, uid, resourceVersion: String(revision) }
    const object: FakeObject = { apiVersion: 'v1', kind: 'Fake', ...input, metadata }
    this.#objects.set(key, { collection, object })
    this.#publish({ revision, type: old === undefined ? 'ADDED' : 'MODIFIED', collection, object })
    return object
  }

  remove(collection: string, name: { readonly namespace?: string; readonly name: string }): void {
    const key = keyOf(collection, name)
    const old = this.#objects.get(key)?.object
    if (old === undefined) return
    this.#objects.delete(key)
    const revision = ++this.revision
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } }
    this.#publish({ revision, type: 'DELETED', collection, object })
  }

  get(collection: string, name: { readonly namespace?: string; readonly name: string }): FakeObject | undefined {
    return this.#objects.get(keyOf(collection, name))?.object
  }

  list(collection: string): FakeObject[] {
    return [...this.#objects.values()].filter((each) => each.collection === collection).map(({ object }) => object)
  }

  changesAfter(revision: number): readonly FakeChange[] {
    return this.#history.filter((change) => change.revision > revision)
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: (change: FakeChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets the history, as etcd does: resuming from before now is 410. */
  compact(): void {
    this.revision++
    this.compacted = this.revision
    this.#history.length = 0
  }

  #publish(change: FakeChange): void {
    this.#history.push(change)
    for (const listener of this.#listeners) listener(change)
  }
}

function keyOf(collection: string, { namespace = '', name }: { namespace?: string; name: string }): string {
  return `${collection} ${namespace}/${name}`
}
