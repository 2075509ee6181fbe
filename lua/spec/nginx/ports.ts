/** Ports of tests, of which no two processes get the same. */
import { once } from 'node:events'
import { createServer, type ListenOptions, type Server } from 'node:net'

/**
 * Above the default of `--healthz-port`, 10254, and below those that the kernel gives to connections of clients: one of
 * those would be in NGINX's way.
 */
const FIRST_PORT = 10_300
const BLOCKS = 220
const BLOCK_SIZE = 100

/** Ports of the block that is ours. */
const left: number[] = []

/**
 * A port that nobody listens on, another one at each call, in whatever process: whoever has a block of them listens on
 * a socket that is named after it, which the kernel closes when the process ends.
 */
export async function freePort(): Promise<number> {
  const port = left.shift()
  if (port !== undefined && await isFree(port)) return port
  if (left.length === 0) await claimBlock()
  return freePort()
}

async function claimBlock(): Promise<void> {
  const block = Math.floor(Math.random() * BLOCKS)
  const claim = await listening({ path: `\0resty-ingress-ports-${block}` })
  if (claim === undefined) return
  claim.unref()
  left.push(...Array.from({ length: BLOCK_SIZE }, (_, i) => FIRST_PORT + block * BLOCK_SIZE + i))
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ port, host: '127.0.0.1' })
  if (server === undefined) return false
  server.close()
  await once(server, 'close')
  return true
}

/** undefined: somebody else does. */
async function listening(address: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(address)
  return once(server, 'listening').then(() => server, () => undefined)
}
