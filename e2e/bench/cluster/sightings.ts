/** When a watch of ours, beside that of the controller, sees a change: the apiserver tells all at once. */
import type { KubernetesObject, KindName } from '../../lab/client.ts'
import type { Lab } from '../../lab/lab.ts'

export class Sightings {
  readonly #stop = new AbortController()
  readonly #seen = new Map<string, number>()
  readonly #ended: Promise<void>

  private constructor(lab: Lab, kind: KindName, namespace: string, resourceVersion: string) {
    this.#ended = this.#follow(lab, kind, namespace, resourceVersion).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error
    })
  }

  static async start(lab: Lab, kind: KindName, namespace: string): Promise<Sightings> {
    const { resourceVersion } = await lab.client.listWithVersion(kind, { namespace })
    return new Sightings(lab, kind, namespace, resourceVersion)
  }

  /** `performance.now()` when this version was seen. */
  at(resourceVersion: string | undefined): number | undefined {
    return this.#seen.get(resourceVersion ?? '')
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #follow(lab: Lab, kind: KindName, namespace: string, resourceVersion: string): Promise<void> {
    const events = lab.client.watch<KubernetesObject>(kind, { namespace, resourceVersion }, this.#stop.signal)
    for await (const { object } of events) this.#seen.set(object.metadata?.resourceVersion ?? '', performance.now())
  }
}
