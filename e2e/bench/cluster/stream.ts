/** Endpoint changes that stream at a fixed rate, from a thread of their own. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Credentials, KubernetesObject } from '../../lab/client.ts'

/** The apiserver; or a stand-in that listens on an address and has these objects. */
export type Where =
  | { readonly credentials: Credentials }
  | { readonly host: string; readonly objects: readonly KubernetesObject[] }

export type Command =
  | { readonly do: 'start'; readonly rate: number }
  | { readonly do: 'stop' }
  | { readonly do: 'write'; readonly object: KubernetesObject }

export interface Streamed {
  readonly changes: number
  readonly seconds: number
}

export type Answer = { readonly url: string } | { readonly stopped: Streamed } | { readonly written: true }

export class EndpointStream {
  /** Of the API server that the changes are written to. */
  readonly url: string
  readonly #thread: Worker

  private constructor(thread: Worker, url: string) {
    this.#thread = thread
    this.url = url
  }

  static async open(where: Where): Promise<EndpointStream> {
    const thread = new Worker(new URL('./stream-thread.ts', import.meta.url), { workerData: where })
    const [{ url }] = await once(thread, 'message') as [{ url: string }]
    return new EndpointStream(thread, url)
  }

  /** So many changes a second, or as many as the apiserver takes. */
  start(rate: number): void {
    this.#thread.postMessage({ do: 'start', rate } satisfies Command)
  }

  async stop(): Promise<Streamed> {
    const { stopped } = await this.#ask({ do: 'stop' }) as { stopped: Streamed }
    return stopped
  }

  /** One more object; one at a time. */
  async write(object: KubernetesObject): Promise<void> {
    await this.#ask({ do: 'write', object })
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }

  async #ask(command: Command): Promise<Answer> {
    const answered = once(this.#thread, 'message') as Promise<[Answer]>
    this.#thread.postMessage(command)
    return (await answered)[0]
  }
}
