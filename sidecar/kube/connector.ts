/**
 * Connections that can be cut for good. A socket that is only closed goes on in the kernel: what waited in its
 * buffer while the network was away still reaches the server, minutes later.
 */
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'

type Connect = buildConnector.connector
type Callback = buildConnector.Callback
type Target = buildConnector.Options

export type ConnectorOptions = buildConnector.BuildOptions & {
  /** Milliseconds of silence after which TCP asks whether the other side is there. */
  readonly keepAliveInitialDelay: number
}

/** Milliseconds, as undici's own. */
const CONNECT_TIMEOUT = 10_000

export class Connector {
  readonly #options: ConnectorOptions
  readonly #secure: Connect
  readonly #sockets = new Set<Socket>()

  constructor(options: ConnectorOptions) {
    this.#options = options
    this.#secure = buildConnector(options)
  }

  /** For a dispatcher of undici. */
  readonly connect = (target: Target, callback: Callback): void => {
    const socket = this.#open(target)
    const failed = (error: Error): void => callback(error, null)
    socket.once('error', failed)
    socket.once('connect', () => {
      // Of the errors from now on the dispatcher hears by what it reads and writes.
      socket.off('error', failed).on('error', () => undefined)
      // Only TLS can be put on a connection that is there (undici/lib/core/connect.js).
      if (target.protocol === 'https:') this.#secure({ ...target, httpSocket: socket }, callback)
      else callback(null, socket)
    })
  }

  #open({ hostname, protocol, port }: Target): Socket {
    const socket = connectTcp({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      keepAlive: true,
      keepAliveInitialDelay: this.#options.keepAliveInitialDelay,
      noDelay: true,
    })
    this.#sockets.add(socket)
    const timer = setTimeout(() => socket.destroy(new Error(`no connection to ${hostname} in time`)), CONNECT_TIMEOUT)
    socket.once('connect', () => clearTimeout(timer))
    socket.once('close', () => {
      clearTimeout(timer)
      this.#sockets.delete(socket)
    })
    return socket
  }

  /** Cuts every connection: what the server does not have yet, it will never have. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }
}
