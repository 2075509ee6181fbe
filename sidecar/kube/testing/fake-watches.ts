/** The open watches of the fake API server, and what can happen to them. */
import type { ServerResponse } from 'node:http'
import type { FakeChange, FakeObject, FakeStore } from './fake-store.ts'

export interface WatchRequest {
  readonly collection: string
  readonly matches: (object: FakeObject) => boolean
  /** Changes after this revision are sent. */
  readonly from: number
}

interface OpenWatch {
  readonly response: ServerResponse
  muted: boolean
  /** Of frames that are sent slowly. */
  readonly pieces: string[]
}

export class FakeWatches {
  /** All that were ever opened. */
  opened = 0
  /** Send each frame in two pieces, in two turns of the event loop. */
  slow = false
  readonly #open = new Set<OpenWatch>()
  readonly #store: FakeStore

  constructor(store: FakeStore) {
    this.#store = store
  }

  get count(): number {
    return this.#open.size
  }

  open(response: ServerResponse, request: WatchRequest): void {
    const watch: OpenWatch = { response, muted: false, pieces: [] }
    // What does not match any more has gone, for a watch with a selector.
    const visible = new Set(this.#store.list(request.collection).filter(request.matches).map((it) => it.metadata.uid))
    const deliver = ({ collection, type, object }: FakeChange): void => {
      if (collection !== request.collection) return
      if (request.matches(object)) {
        visible.add(object.metadata.uid)
        this.#send(watch, { type, object })
      } else if (visible.delete(object.metadata.uid)) {
        this.#send(watch, { type: 'DELETED', object })
      }
    }
    this.opened++
    this.#open.add(watch)
    for (const change of this.#store.changesAfter(request.from)) deliver(change)
    const unsubscribe = this.#store.subscribe(deliver)
    response.on('close', () => {
      unsubscribe()
      this.#open.delete(watch)
    })
  }

  bookmark(): void {
    const object = { kind: 'Fake', apiVersion: 'v1', metadata: { resourceVersion: String(this.#store.revision) } }
    for (const watch of this.#open) this.#send(watch, { type: 'BOOKMARK', object })
  }

  /** An ERROR frame, and the end. */
  fail(object: object): void {
    for (const { response } of this.#take()) response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
  }

  /** As the server does at the time limit. */
  end(): void {
    for (const { response } of this.#take()) response.end()
  }

  /** The connection is cut in the middle of a frame. */
  drop(): void {
    for (const watch of this.#take()) {
      watch.muted = true
      watch.response.write('{"type":"ADD')
      setImmediate(() => watch.response.destroy())
    }
  }

  /** They stay open, but nothing more comes. */
  stall(): void {
    for (const watch of this.#take()) watch.muted = true
  }

  /** Text that is no frame, after what has been sent. */
  sendText(text: string): void {
    for (const watch of this.#open) this.#write(watch, text)
  }

  #take(): readonly OpenWatch[] {
    const watches = [...this.#open]
    this.#open.clear()
    return watches
  }

  #send(watch: OpenWatch, frame: object): void {
    this.#write(watch, `${JSON.stringify(frame)}\n`)
  }

  #write(watch: OpenWatch, text: string): void {
    if (watch.muted || watch.response.writableEnded) return
    if (!this.slow) {
      watch.response.write(text)
      return
    }
    const middle = Math.floor(text.length / 2)
    watch.pieces.push(text.slice(0, middle), text.slice(middle))
    if (watch.pieces.length === 2) setImmediate(() => this.#writePiece(watch))
  }

  #writePiece(watch: OpenWatch): void {
    const piece = watch.pieces.shift()
    if (piece === undefined || watch.muted || watch.response.writableEnded) return
    watch.response.write(piece)
    setImmediate(() => this.#writePiece(watch))
  }
}
