/** The shape of the rows of the matrix: an annotation, what a client or the backend sees of it, and a bad value. */
import type { ConnectionOptions } from 'node:tls'
import type { ClientName, PeerName } from './world.ts'

type Expected = Readonly<Record<string, string | RegExp | undefined>>

/** How a client speaks TLS; `as`: with whose certificate. */
export type Tls = Pick<ConnectionOptions, 'ciphers' | 'maxVersion' | 'minVersion'> & { readonly as?: ClientName }

/** A request, and what is to be seen of it. */
export interface Probe {
  /** In front of the row's host. */
  readonly prefix?: string
  readonly path?: string
  readonly method?: 'GET' | 'OPTIONS' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The body has further chunks: two, the second of which comes at once, or when there is an answer. */
  readonly chunked?: 'whole' | 'unfinished'
  /** Plain HTTP when absent. */
  readonly tls?: true | Tls
  /** A call of gRPC, over TLS. */
  readonly grpc?: true
  /** With the cookies of the answers before. */
  readonly returning?: true
  /** While another request to the same host is under way. */
  readonly meanwhile?: true
  /** It is answered while a request to the neighbour, which began before it, waits for 60 s. */
  readonly sooner?: true
  /** So many bytes of the answer come, and the neighbour has all of its answer before the rest does. */
  readonly slowAfter?: number
  /**
   * So many, one after the other or at once: which statuses there are among them, how many backends answer, and how
   * many cookies they set.
   */
  readonly times?: number
  readonly atOnce?: true
  readonly statuses?: readonly number[]
  readonly backends?: number
  readonly cookies?: number

  /** Of the answer; 200 when absent. */
  readonly status?: number
  /** Of the answer; undefined: there is no such header. */
  readonly answer?: Expected
  /** What the backend got: see `Echo`. */
  readonly seen?: Expected
  /** The cipher of the connection. */
  readonly cipher?: string
  /** What the server of copies got. */
  readonly copied?: Expected
  /** Whether the access log has a line for it, in the format of ingress-nginx; a line that it has. */
  readonly logged?: boolean
  readonly line?: RegExp
  /** The handshake fails. */
  readonly refused?: true
  /** Part of the configuration that NGINX runs with; nothing is asked. */
  readonly loaded?: RegExp
}

type Annotations = Readonly<Record<string, string>>

/** What there is of a row beside its annotations: one path `/` to one backend `web`, when nothing is said. */
export interface Scene {
  readonly path?: string
  /** Its Service's endpoints. */
  readonly peers?: readonly PeerName[]
  /** The same where the value is bad. */
  readonly otherwise?: readonly PeerName[]
  /** The address of its Service leads there. */
  readonly clusterIp?: PeerName
  /** The Ingress has TLS for its host. */
  readonly tls?: true
  /** Annotations of a main Ingress for the same host and path, which leads to `other`. */
  readonly main?: Annotations
  /** It holds for all of the host, so that the path of a neighbour there has it, too. */
  readonly hostwide?: true
}

export interface Row {
  /**
   * Other annotations that it needs, in each of the cases. In all values `{name}` is the name of the row's host, and
   * `{web}` the address of that peer.
   */
  readonly beside?: Annotations
  readonly scene?: Scene
  readonly good: string
  /** What `good` does, one after the other; or the test beside this folder that shows it, where no request does. */
  readonly shows: readonly Probe[] | `${string}.test.ts: ${string}`
  readonly bad: string
  /** What is served with `bad`: 503 for a protection, else what is served without it; absent: a request gets 200. */
  readonly then?: 503 | Probe | readonly Probe[]
}

/** By the name of the annotation, without prefix. */
export type Rows = Readonly<Record<string, Row>>

/** A protection, whose bad value closes. */
export function protection(good: string, shows: Row['shows'], bad: string, more: Pick<Row, 'beside' | 'scene'> = {}): Row {
  return { good, shows, bad, ...more, then: 503 }
}
