/**
 * A thread that writes endpoint changes at a fixed rate: to the apiserver, or as a stand-in for it, which
 * lives here. In a thread of its own, so that the clock of what is measured does not wait for it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { FakeApiServer } from '../../../sidecar/kube/testing/fake-apiserver.ts'
import type { FakeInput } from '../../../sidecar/kube/testing/fake-store.ts'
import { Client, type KubernetesObject } from '../../lab/client.ts'
import { streamed } from './crowd.ts'
import type { Answer, Command, Where } from './stream.ts'

const TICK_MS = 5
/** Writes that wait for their answer. */
const MOST_IN_FLIGHT = 32
/** The stand-in keeps its history for watches that resume; nobody does here. */
const FORGET_MS = 2_000

const COLLECTIONS: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/configmaps',
  Service: '/api/v1/services',
  EndpointSlice: '/apis/discovery.k8s.io/v1/endpointslices',
  Ingress: '/apis/networking.k8s.io/v1/ingresses',
  IngressClass: '/apis/networking.k8s.io/v1/ingressclasses',
}

type Write = (object: KubernetesObject) => Promise<unknown>

class Stream {
  readonly #write: Write
  #index = 0
  #done = 0
  #inFlight = 0
  #started = 0
  #timer: NodeJS.Timeout | undefined

  constructor(write: Write) {
    this.#write = write
  }

  start(rate: number): void {
    this.#started = performance.now()
    this.#done = 0
    let sent = 0
    this.#timer = setInterval(() => {
      const due = Math.floor((performance.now() - this.#started) * rate / 1000)
      for (; sent < due && this.#inFlight < MOST_IN_FLIGHT; sent++) void this.#send()
    }, TICK_MS)
  }

  stop(): { readonly changes: number; readonly seconds: number } {
    clearInterval(this.#timer)
    return { changes: this.#done, seconds: (performance.now() - this.#started) / 1000 }
  }

  async #send(): Promise<void> {
    this.#inFlight++
    await this.#write(streamed(this.#index++))
    this.#inFlight--
    this.#done++
  }
}

async function standIn({ host, objects }: Extract<Where, { host: string }>): Promise<{ write: Write; url: string }> {
  const server = await FakeApiServer.start(host)
  const write = async (object: KubernetesObject): Promise<void> => {
    server.store.put(COLLECTIONS[object.kind ?? ''] ?? '', object as FakeInput)
  }
  for (const object of objects) await write(object)
  setInterval(() => server.store.compact(), FORGET_MS)
  return { write, url: server.url }
}

async function target(where: Where): Promise<{ write: Write; url: string }> {
  if ('host' in where) return await standIn(where)
  const client = new Client(where.credentials)
  return { write: (object) => client.replace(object), url: where.credentials.url }
}

const port = parentPort
if (port === null) throw new Error('this is a thread of the benchmark')
const { write, url } = await target(workerData as Where)
const stream = new Stream(write)
const answer = (message: Answer): void => port.postMessage(message)
port.on('message', (command: Command) => {
  if (command.do === 'start') stream.start(command.rate)
  else if (command.do === 'stop') answer({ stopped: stream.stop() })
  else void write(command.object).then(() => answer({ written: true }))
})
answer({ url })
