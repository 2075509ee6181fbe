/** A FastCGI program (https://fastcgi-archives.github.io/FastCGI_Specification.html), as much as one request needs. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

const HEADER = 8
const TYPES = { endRequest: 3, params: 4, stdin: 5, stdout: 6 } as const

interface Message {
  readonly type: number
  readonly content: Buffer
}

/** Answers with the parameters and the body of the request, as JSON. */
export async function fastcgiBackend(t: TestContext): Promise<{ readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port }
}

function serve(socket: Socket): void {
  let buffered = Buffer.alloc(0)
  const params: Buffer[] = []
  const body: Buffer[] = []
  socket.on('data', (part: Buffer) => {
    buffered = Buffer.concat([buffered, part])
    for (let message = next(buffered); message !== undefined; message = next(buffered)) {
      buffered = buffered.subarray(message.length)
      const { type, content } = message
      if (type === TYPES.params) params.push(content)
      else if (type === TYPES.stdin && content.length > 0) body.push(content)
      else if (type === TYPES.stdin) answer(socket, Buffer.concat(params), Buffer.concat(body))
    }
  })
}

function next(bytes: Buffer): (Message & { readonly length: number }) | undefined {
  if (bytes.length < HEADER) return undefined
  const content = bytes.readUInt16BE(4)
  const length = HEADER + content + bytes.readUInt8(6)
  if (bytes.length < length) return undefined
  return { type: bytes.readUInt8(1), content: Buffer.from(bytes.subarray(HEADER, HEADER + content)), length }
}

function answer(socket: Socket, params: Buffer, body: Buffer): void {
  const json = JSON.stringify({ params: Object.fromEntries(pairs(params)), body: body.toString() })
  const text = Buffer.from(`Status: 200 OK\r\nContent-Type: application/json\r\n\r\n${json}`)
  const end = [message(TYPES.stdout, Buffer.alloc(0)), message(TYPES.endRequest, Buffer.alloc(8))]
  socket.end(Buffer.concat([message(TYPES.stdout, text), ...end]))
}

function message(type: number, content: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt8(1, 0)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(1, 2)
  header.writeUInt16BE(content.length, 4)
  return Buffer.concat([header, content])
}

/** Lengths have one byte, or four when the first bit is set. */
function pairs(bytes: Buffer): [string, string][] {
  const found: [string, string][] = []
  let at = 0
  const length = (): number => {
    const first = bytes.readUInt8(at)
    at += first < 128 ? 1 : 4
    return first < 128 ? first : bytes.readUInt32BE(at - 4) & 0x7fff_ffff
  }
  while (at < bytes.length) {
    const [name, value] = [length(), length()]
    found.push([bytes.toString('utf8', at, at + name), bytes.toString('utf8', at + name, at + name + value)])
    at += name + value
  }
  return found
}
