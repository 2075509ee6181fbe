/** The part of a kubelet's HTTPS server that `kubectl logs` needs. */

import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Certificate } from '../certificates.ts'

export const KUBELET_PORT = 10250

/** The log file of a container, or undefined when there is none. */
export type FindLog = (namespace: string, pod: string, container: string, previous: boolean) => string | undefined

/** Listens outside, where every node leads to; only the apiserver's client certificate is let in. */
export async function startLogServer(
  authority: Certificate, certificate: Certificate, findLog: FindLog,
): Promise<Server> {
  const server = createServer({
    cert: certificate.certificate, key: certificate.key, ca: authority.certificate,
    requestCert: true, rejectUnauthorized: true,
  }, (request, response) => { serveLog(request, response, findLog) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(KUBELET_PORT, '0.0.0.0', resolve)
  })
  return server
}

/** `GET /containerLogs/{namespace}/{pod}/{container}?follow=&tailLines=&previous=` */
function serveLog(request: IncomingMessage, response: ServerResponse, findLog: FindLog): void {
  const url = new URL(request.url ?? '/', 'https://kubelet')
  const [, what, namespace = '', pod = '', container = ''] = url.pathname.split('/')
  const query = url.searchParams
  const file = what === 'containerLogs'
    ? findLog(namespace, pod, container, query.get('previous') === 'true')
    : undefined
  if (file === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('the lab serves logs of running pods only\n')
    return
  }
  const tailLines = Number(query.get('tailLines') ?? NaN)
  const lines = Number.isInteger(tailLines) ? String(tailLines) : '+1'
  const follow = query.get('follow') === 'true' ? ['-f'] : []
  const tail = spawn('tail', ['-n', lines, ...follow, file], { stdio: ['ignore', 'pipe', 'ignore'] })
  response.writeHead(200, { 'content-type': 'text/plain' })
  tail.stdout.pipe(response)
  response.once('close', () => { tail.kill() })
}
