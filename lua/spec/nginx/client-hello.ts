/** A ClientHello with any bytes as its name: TLS libraries send only names that are right. */

function sized(length: 1 | 2 | 3, content: Buffer): Buffer {
  const size = Buffer.alloc(length)
  size.writeUIntBE(content.length, 0, length)
  return Buffer.concat([size, content])
}

/** RFC 8446, 4.1.2, in a record of TLS 1.0 to 1.2; RFC 6066, 3, for the name. */
export function clientHello(name: Buffer): Buffer {
  const serverName = Buffer.concat([Buffer.from([0]), sized(2, name)])
  const extension = Buffer.concat([Buffer.from([0, 0]), sized(2, sized(2, serverName))])
  const body = Buffer.concat([
    Buffer.from([3, 3]), Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 0x01, 0xc0, 0x2f])),
    sized(1, Buffer.from([0])),
    sized(2, extension),
  ])
  const handshake = Buffer.concat([Buffer.from([1]), sized(3, body)])
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, handshake)])
}
