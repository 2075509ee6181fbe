/** A data plane with ports of layer 4 whose endpoints are records, on the variants that have stream-lua. */
import { describe, type TestContext } from 'node:test'
import { endpoints } from './backends.ts'
import { freePort, serve, variants, type Json, type Served, type Variant } from './harness.ts'

export interface StreamOptions {
  readonly tries?: number
  readonly workers?: number
  /** More directives of the `stream` block. */
  readonly directives?: string
  readonly env?: Readonly<Record<string, string>>
  /** More servers. */
  readonly servers?: string
  readonly folder?: string
}

export interface StreamServed extends Served {
  readonly tcp: number
  readonly udp: number
}

export const BACKEND = 'backend/prod/echo/80'

/** The `stream` block as docs/control-api.md says; every server belongs to one port, by its record. */
export function streamBlock(tcp: number, udp: number, options: StreamOptions = {}): string {
  return `stream {
  include runtime-stream.conf;
  init_by_lua_block { require("ingress.stream.phase.init")(${options.tries ?? 3}, 1) }
  init_worker_by_lua_block { resty_ingress_stream.init_worker() }
  log_by_lua_block { return resty_ingress_stream.log() }
  map "" $tls_target { default tls_termination; }
  proxy_connect_timeout 1s;
  ${options.directives ?? ''}
  upstream stream_balancer {
    server 0.0.0.1:1;
    balancer_by_lua_block { return resty_ingress_stream.balancer() }
  }
  server {
    listen 127.0.0.1:${tcp};
    preread_by_lua_block { return resty_ingress_stream.preread("stream/tcp/${tcp}") }
    proxy_pass stream_balancer;
  }
  server {
    listen 127.0.0.1:${udp} udp reuseport;
    preread_by_lua_block { return resty_ingress_stream.preread("stream/udp/${udp}") }
    proxy_pass stream_balancer;
  }
  ${options.servers ?? ''}
}`
}

export async function serveStreams(
  t: TestContext, variant: Variant, options: StreamOptions = {},
): Promise<StreamServed> {
  const ports = { tcp: await freePort(), udp: await freePort() }
  const { workers = 2, env, folder } = options
  const served = await serve(t, { variant, workers, reloaded: false }, {
    stream: streamBlock(ports.tcp, ports.udp, options),
    ...(env === undefined ? {} : { env }),
    ...(folder === undefined ? {} : { folder }),
  })
  return { ...served, ...ports }
}

export function loopback(...ports: readonly number[]): Json {
  return endpoints(...ports.map((port) => ['127.0.0.1', port] as const))
}

/** Records by which both ports lead to the backend. */
export function streamRecords({ tcp, udp }: StreamServed, ports: readonly number[], loadBalance?: Json): Json {
  return { ...portRecords(tcp, udp, loadBalance), [BACKEND]: loopback(...ports) }
}

function portRecords(tcp: number, udp: number, loadBalance?: Json): Json {
  const record = { digest: JSON.stringify(loadBalance ?? 'plain'), backend: BACKEND }
  const value = loadBalance === undefined ? record : { ...record, load_balance: loadBalance }
  return { [`stream/tcp/${tcp}`]: value, [`stream/udp/${udp}`]: value }
}

/** Pushes a change; throws when something of it is refused. */
export async function patch({ plane }: Served, set: Json, keys: readonly string[] = []): Promise<void> {
  const { body: { revision: base } } = await plane.call('GET', '/v1/records')
  const answer = await plane.call('PATCH', '/v1/records', { base, set, delete: keys })
  if (answer.status !== 200 || Object.keys(answer.body.rejected).length > 0) {
    throw new Error(`records refused: ${answer.text}`)
  }
}

/** Tests where NGINX has stream-lua; elsewhere one test that says that it has none. */
export function withStreamLua(name: string, suite: (variant: Variant) => void): void {
  for (const variant of variants()) {
    const skip = variant === 'openresty' ? false : 'this NGINX has no stream-lua'
    describe(`${name}: ${variant}`, { skip }, () => suite(variant))
  }
}

