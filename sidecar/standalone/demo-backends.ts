/**
 * A small web server on each ready endpoint of the EndpointSlices that ask for one by a label. It follows
 * the slices: an endpoint that is added gets its server, one that is removed loses it.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Kind, KubeObject, ObjectSink } from '../collection/objects.ts'
import { objectKey } from '../ir/object-name.ts'
import { classifyAddress, parseAddress } from '../ir/address.ts'
import { isPortNumber } from '../ir/names.ts'
import { fields, items, text } from '../util/field.ts'
import { codeOf, StandaloneError } from './errors.ts'

const LABEL = 'resty-ingress.io/demo-backend'
const SERVICE_LABEL = 'kubernetes.io/service-name'

interface Place {
  readonly address: string
  readonly port: number
  readonly service: string
}

export class DemoBackends implements ObjectSink {
  readonly #slices = new Map<string, readonly Place[]>()
  readonly #servers = new Map<string, Server>()
  readonly #onTrouble: (error: StandaloneError) => void
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor(onTrouble: (error: StandaloneError) => void) {
    this.#onTrouble = onTrouble
  }

  replace(kind: Kind, objects: readonly KubeObject[]): void {
    if (kind !== 'EndpointSlice') return
    this.#slices.clear()
    for (const object of objects) this.#slices.set(objectKey(object.metadata), placesOf(object))
    this.#reconcile()
  }

  set(object: KubeObject): void {
    if (object.kind !== 'EndpointSlice') return
    this.#slices.set(objectKey(object.metadata), placesOf(object))
    this.#reconcile()
  }

  delete(kind: Kind, namespace: string, name: string): void {
    if (kind !== 'EndpointSlice') return
    this.#slices.delete(objectKey({ namespace, name }))
    this.#reconcile()
  }

  /** Resolves when every server that is wanted now listens, or could not. */
  async settled(): Promise<void> {
    await this.#work
  }

  get count(): number {
    return this.#servers.size
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#slices.clear()
    this.#reconcile()
    await this.#work
  }

  #reconcile(): void {
    this.#work = this.#work.then(() => this.#follow())
  }

  async #follow(): Promise<void> {
    const wanted = new Map([...this.#slices.values()].flat().map((place) => [`${place.address} ${place.port}`, place]))
    for (const [key, server] of this.#servers) {
      if (wanted.has(key)) continue
      this.#servers.delete(key)
      // Requests under way finish, unless everything ends.
      if (this.#closed) server.closeAllConnections()
      server.close()
    }
    for (const [key, place] of wanted) {
      if (!this.#servers.has(key)) await this.#start(key, place)
    }
  }

  async #start(key: string, place: Place): Promise<void> {
    try {
      const server = backend(place)
      server.listen({ host: place.address, port: place.port })
      await once(server, 'listening')
      this.#servers.set(key, server)
    } catch (error) {
      this.#onTrouble(explained(place, error))
    }
  }
}

/** Says who answers and what arrived, so that balancing and paths can be seen with curl. */
function backend({ service, address, port }: Place): Server {
  return createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'text/plain')
    response.end(`${service} at ${address}:${port} answers ${request.method} ${request.headers.host}${request.url}\n`)
  })
}

function placesOf(slice: KubeObject): Place[] {
  const labels = slice.metadata.labels ?? {}
  if (labels[LABEL] !== 'true') return []
  const ports = items(slice.ports).map((port) => fields(port).port).filter(isPortNumber)
  const addresses = items(slice.endpoints).flatMap((endpoint) => readyAddresses(endpoint))
  const service = labels[SERVICE_LABEL] ?? slice.metadata.name
  return addresses.flatMap((address) => ports.map((port) => ({ address, port, service })))
}

/** Only loopback: a demo opens nothing to the network. */
function readyAddresses(endpoint: unknown): string[] {
  const { addresses, conditions } = fields(endpoint)
  if (fields(conditions).ready === false) return []
  return items(addresses).map(text).filter((address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && classifyAddress(bytes) === 'loopback'
  })
}

function explained({ service, address, port }: Place, error: unknown): StandaloneError {
  const what = `the demo backend of ${service} cannot listen on ${address}:${port}`
  if (codeOf(error) === 'EADDRINUSE') {
    return new StandaloneError(`${what}: the port is in use; end the program that listens there, or edit the EndpointSlice`)
  }
  return new StandaloneError(`${what}: ${error instanceof Error ? error.message : String(error)}`)
}
