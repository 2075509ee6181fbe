/** What the benchmark knows of another proxy: one file each says the rest. */
import type { Wheel } from './wheel.ts'

export interface Peer {
  /** Its key in the JSON. */
  readonly name: string
  readonly title: string
  readonly wheel: Wheel
  /** Our CPU per request is to be at most this share of the peer's. */
  readonly target?: number
  /** Writes its configuration: one thread, an access log to /dev/null, keep-alive to the backends. */
  prepare(options: PeerOptions): Promise<Launch>
}

export interface PeerOptions {
  readonly program: string
  /** Its own. */
  readonly folder: string
  readonly httpPort: number
  /** For an API of the peer. */
  readonly apiPort: number
  readonly host: string
  readonly addresses: readonly string[]
  readonly backendPort: number
}

export interface Launch {
  /** Standard output is thrown away: logs may go there. */
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly change: EndpointChange
}

/** How the endpoints of a running proxy are replaced. */
export interface EndpointChange {
  /** For people. */
  readonly way: string
  apply(addresses: readonly string[]): Promise<void>
}

/** The program of a peer in Go takes its threads from here. */
export const ONE_GO_THREAD: Readonly<Record<string, string>> = { GOMAXPROCS: '1' }
