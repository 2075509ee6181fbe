/**
 * The lab's own backend: tells which pod answered what, and can be slow, stream, and speak websocket.
 *
 *   GET /…              JSON {pod, namespace, method, url, headers, body, requests}, also as `x-pod`
 *   ?delay=MS           answers later;  ?status=CODE  with this status
 *   ?chunks=N&gap=MS    a stream of N lines, one every MS
 *   ?size=BYTES         that many bytes
 *   websocket           echoes each message with the pod's name in front, as does UDP on the same port
 *   GET /-/ready        200, and 503 from SIGTERM on;  PUT /-/delay?ms=MS  delays every answer
 *
 * SIGTERM: no new connections are needed any more, requests under way finish, then it exits with 0.
 */

import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocketServer } from 'ws'

const pod = process.env['POD_NAME'] ?? hostname()
const namespace = process.env['NAMESPACE'] ?? ''
const port = Number(process.env['PORT'] ?? 3000)

let delayMs = Number(process.env['DELAY_MS'] ?? 0)
let stopping = false
let requests = 0

const server = createServer((request, response) => {
  answer(request, response).catch(() => { response.destroy() })
})
// Longer than any proxy keeps its idle connections: who closes first decides who gets resets.
server.keepAliveTimeout = 120_000

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://backend')
  response.setHeader('x-pod', pod)
  if (stopping) response.setHeader('connection', 'close')
  if (url.pathname.startsWith('/-/')) {
    control(request, url, response)
    return
  }
  requests++
  const body = await readBody(request)
  const query = (name: string): number => Number(url.searchParams.get(name) ?? 0)
  await delay(delayMs + query('delay'))
  response.statusCode = query('status') || 200
  if (url.searchParams.has('chunks')) await stream(response, query('chunks'), query('gap'))
  else if (url.searchParams.has('size')) response.end(Buffer.alloc(query('size'), 'x'))
  else {
    const { method, url: target, headers } = request
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ pod, namespace, method, url: target, headers, body, requests }))
  }
}

function control(request: IncomingMessage, url: URL, response: ServerResponse): void {
  if (url.pathname === '/-/ready') response.writeHead(stopping ? 503 : 200).end()
  else if (url.pathname === '/-/delay' && request.method === 'PUT') {
    delayMs = Number(url.searchParams.get('ms') ?? 0)
    response.end()
  } else response.writeHead(404).end()
}

async function stream(response: ServerResponse, chunks: number, gapMs: number): Promise<void> {
  for (let index = 0; index < chunks; index++) {
    response.write(`${index}\n`)
    await delay(gapMs)
  }
  response.end()
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const webSockets = new WebSocketServer({ server })
webSockets.on('connection', (socket) => {
  socket.on('message', (message) => { socket.send(`${pod} ${String(message)}`) })
})

const datagrams = createSocket('udp4')
datagrams.on('message', (message, { address, port: to }) => { datagrams.send(`${pod} ${String(message)}`, to, address) })

process.once('SIGTERM', () => {
  stopping = true
  server.close(() => { process.exit(0) })
  // A connection that was busy until now and is kept alive would keep the process alive, too.
  setInterval(() => { server.closeIdleConnections() }, 100)
  for (const socket of webSockets.clients) socket.close(1001)
})

server.listen(port)
datagrams.bind(port)
