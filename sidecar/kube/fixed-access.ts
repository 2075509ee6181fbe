/**
 * An API server whose address is known, and at most a token in a file: what a pod has. Without the package
 * of KubeConfig, which loads every type of the API: 0.25 s of a start and 60 MB.
 */
import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import type { Cluster } from '@kubernetes/client-node'
import type { ApiAccess } from './transport.ts'

export class FixedAccess implements ApiAccess {
  readonly #cluster: Cluster
  readonly #tokenFile: string | undefined

  /** Without `tokenFile` nobody in particular asks. */
  constructor(cluster: Cluster, tokenFile?: string) {
    this.#cluster = cluster
    this.#tokenFile = tokenFile
  }

  getCurrentCluster(): Cluster {
    return this.#cluster
  }

  /** Reads the files each time, since the kubelet rotates them. */
  async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    const { caFile } = this.#cluster
    if (caFile !== undefined) options.ca = await readFile(caFile)
    if (this.#tokenFile === undefined) return
    const token = await readFile(this.#tokenFile, 'utf8')
    options.headers = { ...options.headers, Authorization: `Bearer ${token.trim()}` }
  }
}
