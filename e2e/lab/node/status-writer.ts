/** Writes a pod's status: one write in flight, changes meanwhile merge into the next, never gives up. */

import type { V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { ApiError, type Client } from '../client.ts'
import { sleep } from '../wait.ts'

const RETRY_MS = 200

export interface StatusWriterOptions {
  readonly client: Client
  readonly pod: V1Pod
  readonly status: () => V1PodStatus
  /** While the node has lost its network, nobody hears of its pods. */
  readonly isCutOff: () => boolean
}

export class StatusWriter {
  readonly #client: Client
  readonly #pod: V1Pod
  readonly #status: () => V1PodStatus
  readonly #isCutOff: () => boolean
  #dirty = false
  #closed = false
  #writing: Promise<void> | undefined

  constructor({ client, pod, status, isCutOff }: StatusWriterOptions) {
    this.#client = client
    this.#pod = pod
    this.#status = status
    this.#isCutOff = isCutOff
  }

  /** Says that `status()` returns something new. */
  changed(): void {
    this.#dirty = true
    this.#writing ??= this.#write().finally(() => { this.#writing = undefined })
  }

  /** Resolves when nothing is left to write. */
  async flush(): Promise<void> {
    await this.#writing
  }

  close(): void {
    this.#closed = true
  }

  async #write(): Promise<void> {
    // Changes of the same turn of the event loop go out together.
    await Promise.resolve()
    const { name = '', namespace = '', uid } = this.#pod.metadata ?? {}
    while (this.#dirty && !this.#closed) {
      if (this.#isCutOff()) {
        await sleep(RETRY_MS)
        continue
      }
      this.#dirty = false
      const patch = { metadata: { uid }, status: this.#status() }
      try {
        await this.#client.patch('v1/Pod', { namespace, name }, patch, 'status')
      } catch (error) {
        if (isGone(error)) return
        this.#dirty = true
        await sleep(RETRY_MS)
      }
    }
  }
}

/** The pod is gone, or another one has its name. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409)
}
