/** An authoritative DNS server for tests: says what it is told to, and remembers what it was asked. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode, type Answer as AnswerRecord, type Packet, type Question } from 'dns-packet'

/** Addresses of a name; a failure; or nothing is answered at all. */
export type Says = { readonly addresses: readonly string[]; readonly ttl?: number } | 'SERVFAIL' | 'silence'

/** By the name in lower case; undefined: the name does not exist. */
export type Answer = (name: string) => Says | undefined | Promise<Says | undefined>

const AUTHORITATIVE = 1 << 10
const NXDOMAIN = 3
const SERVFAIL = 2

export class DnsServer {
  /** `name type`, in order. */
  readonly asked: string[] = []
  readonly #socket: Socket
  #closed = false
  readonly #answer: Answer

  private constructor(socket: Socket, answer: Answer) {
    this.#socket = socket
    this.#answer = answer
    socket.on('message', (message, from) => void this.#reply(decode(message), from))
  }

  static async start(answer: Answer, address = '127.0.0.1', port = 0): Promise<DnsServer> {
    const socket = createSocket('udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new DnsServer(socket, answer)
  }

  /** `address:port`, as for `--dns-server`. */
  get address(): string {
    const { address, port } = this.#socket.address()
    return `${address}:${port}`
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  /** What cannot be found out is a failure of the server. */
  async #reply(query: Packet, from: RemoteInfo): Promise<void> {
    const [question] = query.questions ?? []
    if (question === undefined) return
    this.asked.push(`${question.name} ${question.type}`)
    const says = await Promise.resolve(question.name.toLowerCase()).then(this.#answer).catch(() => 'SERVFAIL' as const)
    if (says === 'silence' || this.#closed) return
    const answers = typeof says === 'object' ? records(question, says) : []
    const code = says === undefined ? NXDOMAIN : says === 'SERVFAIL' ? SERVFAIL : 0
    const packet = { type: 'response' as const, id: query.id ?? 0, flags: AUTHORITATIVE | code, questions: [question], answers }
    this.#socket.send(encode(packet), from.port, from.address)
  }
}

function records({ name, type }: Question, { addresses, ttl = 0 }: Exclude<Says, string>): AnswerRecord[] {
  const isIpv6 = type === 'AAAA'
  if (type !== 'A' && !isIpv6) return []
  return addresses.filter((data) => data.includes(':') === isIpv6).map((data) => ({ name, type, ttl, data }))
}
