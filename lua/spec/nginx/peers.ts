/** Peers that fail in a way of their own: plain TCP servers that read a request and answer with what a test says. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { freePort } from './ports.ts'

/** What a peer does with a connection once a request's header has come; `request` is all that was read. */
export type Behaviour = (socket: Socket, request: string) => void

export interface Peer {
  readonly port: number
  readonly server: Server
  /** Connections accepted. */
  connections: number
  /** Requests whose header was read. */
  requests: number
  behave: Behaviour
}

export async function peer(test: TestContext, behave: Behaviour): Promise<Peer> {
  const sockets = new Set<Socket>()
  const self: Peer = { port: 0, connections: 0, requests: 0, behave, server: createServer() }
  self.server.on('connection', (socket) => {
    self.connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      self.requests += 1
      const request = text
      text = ''
      self.behave(socket, request)
    })
  })
  self.server.listen(await freePort(), '127.0.0.1')
  await once(self.server, 'listening')
  const { port } = self.server.address() as AddressInfo
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    self.server.close()
  })
  return Object.assign(self, { port })
}

/** Answers at once and keeps the connection. */
export function answers(body = 'ok', status = '200 OK'): Behaviour {
  return (socket) => {
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  }
}

/** Takes the request and says nothing. */
export const keepsSilent: Behaviour = () => undefined

/** Takes the request, and closes the connection without an answer so many milliseconds later. */
export function givesUpAfter(milliseconds: number): Behaviour {
  return (socket) => {
    const timer = setTimeout(() => socket.destroy(), milliseconds)
    socket.on('close', () => clearTimeout(timer))
  }
}

/** Sends some bytes and resets the connection. */
export function resetsAfter(bytes: string): Behaviour {
  return (socket) => {
    if (bytes === '') socket.resetAndDestroy()
    else socket.write(bytes, () => { setImmediate(() => socket.resetAndDestroy()) })
  }
}

/** Sends bytes as they are and keeps the connection open. */
export function says(bytes: string): Behaviour {
  return (socket) => { socket.write(bytes, 'latin1') }
}

/** Sends a byte every few milliseconds, for ever. */
export function trickles(start: string, byte = 'x'): Behaviour {
  return (socket) => {
    socket.write(start)
    const timer = setInterval(() => { socket.write(byte) }, 2)
    socket.on('close', () => clearInterval(timer))
  }
}
