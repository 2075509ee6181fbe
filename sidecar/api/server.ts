/**
 * Health, metrics and the admin API. Health and metrics are for probes and Prometheus; what is below
 * /v1/ tells routes and findings of every tenant, so it answers only to this machine.
 */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { addInspection } from './inspection.ts'
import { isLocalHost, isLoopback } from './loopback.ts'
import { METRICS_TYPE, metricsPage, type MetricsOptions } from '../metrics/page.ts'
import { routeViews } from './route-views.ts'
import type { AdminViews } from './views.ts'

export interface AdminOptions {
  /** Address to listen on; empty: all. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Path of the liveness check. */
  readonly healthCheckPath: string
  readonly views: AdminViews
  readonly metrics: MetricsOptions
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Why the server cannot start, as a sentence for the person who chose its options. */
export class AdminError extends Error {}

/** Requests here have no body, short headers, and are over at once; nobody may hold a connection for long. */
const LIMITS = {
  bodyLimit: 1024,
  connectionTimeout: 20_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  forceCloseConnections: true,
  http: { maxHeaderSize: 8192, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
} as const
const MAX_CONNECTIONS = 256
const TEXT = 'text/plain; charset=utf-8'

const OTHER_PATHS: readonly string[] = ['/readyz', '/metrics']

/** Listens when it resolves. Rejects with AdminError when the options cannot be followed. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  checkHealthPath(options.healthCheckPath)
  const server = fastify({ ...LIMITS, logger: false, return503OnClosing: false })
  server.server.maxConnections = MAX_CONNECTIONS
  server.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  server.setNotFoundHandler(notFound)
  server.setErrorHandler(sendError)
  addHealth(server, options)
  server.register(async (scope) => addAdmin(scope, options.views), { prefix: '/v1' })
  await listen(server, options)
  return { port: (server.server.address() as AddressInfo).port, close: () => server.close() }
}

function checkHealthPath(path: string): void {
  // Characters that mean something in a route are left out.
  const isPlain = /^\/[A-Za-z0-9._~/-]*$/.test(path)
  if (isPlain && !OTHER_PATHS.includes(path) && !path.startsWith('/v1/')) return
  throw new AdminError(`--health-check-path must be a plain path that is not in use, not ${JSON.stringify(path)}`)
}

function notFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send({ message: 'not found' })
}

/** The status of an error that a client caused, and nothing of what went wrong inside. */
function sendError(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = (error as { statusCode?: unknown }).statusCode
  const isTheirs = typeof status === 'number' && status >= 400 && status < 500
  return reply.code(isTheirs ? status : 500).send({ message: isTheirs ? 'bad request' : 'internal error' })
}

function addHealth(server: FastifyInstance, { healthCheckPath, views, metrics }: AdminOptions): void {
  server.get(healthCheckPath, async (_request, reply) => reply.type(TEXT).send('ok\n'))
  server.get('/readyz', async (_request, reply) => {
    const reasons = views.notReady()
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .type(TEXT)
      .send(reasons.length === 0 ? 'ok\n' : reasons.map((reason) => `${reason}\n`).join(''))
  })
  server.get('/metrics', async (_request, reply) => 
    reply.type(METRICS_TYPE).send(Readable.from(metricsPage(metrics))),
  )
}

function addAdmin(scope: FastifyInstance, views: AdminViews): void {
  scope.addHook('onRequest', async (request, reply) => {
    if (isLoopback(request.socket.remoteAddress) && isLocalHost(request.headers.host)) return
    await reply.code(403).send({ message: 'only for this machine, under a name of it' })
  })
  // One of its own, so that the hook comes first: who may not ask is not told either what there is.
  scope.setNotFoundHandler(notFound)
  scope.get<{ Querystring: { host?: unknown } }>('/routes', async ({ query }) => ({
    routes: routeViews(views.records(), typeof query.host === 'string' ? query.host : undefined),
  }))
  scope.get('/streams', async () => views.streams())
  scope.get('/findings', async () => ({ findings: views.findings() }))
  addInspection(scope, views)
  scope.get('/generations', async () => ({ generations: views.generations() }))
}

async function listen(server: FastifyInstance, { host, port }: AdminOptions): Promise<void> {
  try {
    await listenOn(server, { host, port })
  } catch (error) {
    await server.close()
    throw new AdminError(reasonOf(error, host, port), { cause: error })
  }
}

async function listenOn(server: FastifyInstance, { host, port }: { host: string; port: number }): Promise<void> {
  if (host !== '') {
    await server.listen({ host, port })
    return
  }
  // `::` takes IPv4 too, but is not there where the kernel has no IPv6.
  await server.listen({ host: '::', port }).catch(async (error: unknown) => {
    if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error))) throw error
    await server.listen({ host: '0.0.0.0', port })
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function reasonOf(error: unknown, host: string, port: number): string {
  const where = `port ${port}${host === '' ? '' : ` of ${host}`}`
  const code = codeOf(error)
  if (code === 'EADDRINUSE') return `${where} is in use; choose another for health and metrics with --healthz-port`
  if (code === 'EACCES') return `${where} may not be opened by this user; choose one with --healthz-port`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `--healthz-host ${host} is no address of this machine`
  return `health and metrics cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}`
}
