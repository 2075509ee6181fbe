/** Traffic to every host, so that the workers hold all that they can come to hold. */
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { BenchError } from '../options.ts'
import { each } from './populate.ts'
import { hostOf, type Size } from './population.ts'

/**
 * Which worker accepts a connection is the kernel's choice. It prefers one while that is idle, so many
 * connections are busy at once, and each part of the hosts is asked for over several.
 */
const TIMES = 4
const HOSTS_PER_CONNECTION = 250
const CONNECTIONS = 16
/** Requests on their way at once on one connection. */
const PIPELINED = 50
/** Of each host with a certificate. */
const HANDSHAKES = 3
const PARALLEL_HANDSHAKES = 16
const STATUS_LINE = 'HTTP/1.1 '

/** Asks for both paths of every host, several times. */
export async function visitHosts(address: string, { ingresses }: Size): Promise<void> {
  const parts = Math.ceil(ingresses / HOSTS_PER_CONNECTION)
  await each(0, parts * TIMES, async (index) => {
    const first = (index % parts) * HOSTS_PER_CONNECTION
    await ask(address, requestsTo(first, Math.min(first + HOSTS_PER_CONNECTION, ingresses)))
  }, CONNECTIONS)
}

function requestsTo(first: number, end: number): string[] {
  return Array.from({ length: end - first }, (_, index) => hostOf(first + index)).flatMap((host) =>
    ['/', '/api'].map((path) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
}

async function ask(address: string, requests: readonly string[]): Promise<void> {
  const socket = connect({ host: address, port: 80, noDelay: true }).setEncoding('latin1')
  try {
    let [asked, answered, rest] = [0, 0, '']
    const more = (): void => {
      socket.write(requests.slice(asked, asked + PIPELINED).join(''))
      asked += PIPELINED
    }
    more()
    for await (const chunk of socket) {
      const text = rest + String(chunk)
      answered += text.split(STATUS_LINE).length - 1
      // The beginning of an answer may be cut in two.
      rest = text.slice(1 - STATUS_LINE.length)
      if (answered >= requests.length) return
      if (answered >= asked) more()
    }
    throw new BenchError(`the proxy closed a connection after ${answered} of ${requests.length} answers`)
  } finally {
    socket.destroy()
  }
}

/** Several handshakes for every certificate. */
export async function visitCertificates(address: string, size: Size): Promise<void> {
  const { certificates } = size
  const visit = (index: number): Promise<void> => handshake(address, hostOf(index % certificates))
  await each(0, certificates * HANDSHAKES, visit, PARALLEL_HANDSHAKES)
}

async function handshake(address: string, servername: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connectTls({ host: address, port: 443, servername, rejectUnauthorized: false }, () => {
      resolve()
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
