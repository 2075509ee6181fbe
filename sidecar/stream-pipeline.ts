/** The part of the translation that is layer 4: ports and their owners, with the endpoints behind them. Pure. */
import type { Collection, Graph, Reader } from './collection/graph.ts'
import { backendName } from './ir/backend-name.ts'
import type { Finding } from './ir/origin.ts'
import type { Backend, BackendRef, Fragment, Layer4, StreamPort, WithEndpoints } from './ir/types.ts'
import { buildStreamPort, listenedPorts, portsOf } from './snapshot/streams.ts'

export interface StreamOptions {
  /** `--enable-ssl-passthrough`. */
  readonly sslPassthrough: boolean
  /** TCP ports that NGINX or the sidecar listens on for itself. */
  readonly reservedPorts: readonly number[]
}

/** What layer 4 is made of. */
export interface StreamInputs {
  readonly fragments: Collection<Fragment>
  readonly backends: Collection<Backend>
  /** Under ''. */
  readonly workerConnections: Collection<number>
}

interface Layer4Reading {
  readonly layer4: Layer4
  readonly findings: readonly Finding[]
}

interface WithFindings {
  readonly findings: readonly Finding[]
}

const ONLY = ''
const NONE: Layer4 = { ports: [], passthrough: [] }

export class StreamPipeline {
  readonly #ports: Collection<StreamPort>
  readonly #layer4: Collection<Layer4Reading>

  constructor(graph: Graph, inputs: StreamInputs, options: StreamOptions) {
    this.#ports = graph.group(inputs.fragments.index(portsOf), (key, claimants) =>
      buildStreamPort(key, claimants(), options.reservedPorts))
    this.#layer4 = graph.map(inputs.workerConnections, (connections, read) => this.#read(connections, inputs, read))
  }

  /** The same object as long as nothing of it changes. */
  get layer4(): Layer4 {
    return this.#layer4.get(ONLY)?.layer4 ?? NONE
  }

  /** Hands out every collection with findings, under the name of its stage. */
  collect(take: (stage: string, collection: Collection<WithFindings>) => void): void {
    take('port', this.#ports)
    take('layer 4', this.#layer4)
  }

  #read(workerConnections: number, { backends }: StreamInputs, read: Reader): Layer4Reading {
    const withEndpoints = <T extends { readonly backend: BackendRef }>(it: T): T & WithEndpoints => ({
      ...it,
      endpoints: read.get(backends, backendName(it.backend))?.endpoints ?? [],
    })
    const { routes, findings } = listenedPorts(read.all(this.#ports), workerConnections)
    return { layer4: { ports: routes.map(withEndpoints), passthrough: [] }, findings }
  }
}
