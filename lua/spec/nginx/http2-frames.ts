/** One request of HTTP/2 made of frames by hand: headers as no client library would send them. */
import { once } from 'node:events'
import { connect } from 'node:tls'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const
const END_STREAM = 1
const END_HEADERS = 4

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK: a literal that is not indexed, its name and value as they are, each shorter than 127 bytes. */
function field([name, value]: readonly [string, string]): Buffer {
  const text = (part: string): Buffer => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')])
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

/** Resolves when the stream or the connection has ended. */
export async function frames(port: number, headers: readonly (readonly [string, string])[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  socket.on('error', () => socket.destroy())
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (hasEnded(received)) socket.end()
  })
  socket.write(Buffer.concat([
    Buffer.from(PREFACE),
    frame(TYPE.settings, 0, 0, Buffer.alloc(0)),
    frame(TYPE.headers, END_STREAM | END_HEADERS, 1, Buffer.concat(headers.map(field))),
  ]))
  await once(socket, 'close')
}

function hasEnded(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const [type, flags] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4)]
    if (type === TYPE.reset || type === TYPE.goAway) return true
    if ((type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0) return true
  }
  return false
}
