/** Traffic to every host, so that the workers hold all that they can come to hold. */
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { each } from './populate.ts'
import { hostOf, type Size } from './population.ts'

/** Which worker accepts a connection is the kernel's choice: with so many, none is likely to be left out. */
const CONNECTIONS = 8
/** Requests on their way at once on one connection. */
const PIPELINED = 50
/** Of each host with a certificate. */
const HANDSHAKES = 3
const PARALLEL_HANDSHAKES = 16

/** Each of several connections asks for both paths of every host. */
export async function visitHosts(address: string, size: Size): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => askAll(address, size.ingresses)))
}

async function askAll(address: string, hosts: number): Promise<void> {
  const requests = Array.from({ length: hosts * 2 }, (_, index) =>
    `GET ${index % 2 === 0 ? '/' : '/api'} HTTP/1.1\r\nHost: ${hostOf(index >> 1)}\r\n\r\n`)
  const socket = connect({ host: address, port: 80, noDelay: true }).setEncoding('latin1')
  try {
    let asked = 0
    let answered = 0
    let rest = ''
    const ask = (): void => {
      const batch = requests.slice(asked, asked + PIPELINED)
      asked += batch.length
      socket.write(batch.join(''))
    }
    ask()
    for await (const chunk of socket) {
      const parts = (rest + String(chunk)).split('HTTP/1.1 ')
      // The beginning of an answer may be cut in two: the last characters are looked at again.
      rest = (rest + String(chunk)).slice(-'HTTP/1.1'.length)
      answered += parts.length - 1
      if (answered >= requests.length) return
      if (answered >= asked) ask()
    }
    throw new Error(`the proxy closed a connection after ${answered} of ${requests.length} answers`)
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
