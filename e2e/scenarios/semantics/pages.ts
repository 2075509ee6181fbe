/** What the proxy answers itself: a status and its name, nothing of what it is made of. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { Controller } from '../controller.ts'
import { ingressOf } from '../workload.ts'

/** The whole answer to bytes sent as they are. */
async function raw(address: string, port: number, text: string): Promise<string> {
  const socket = connect(port, address)
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => { answer += chunk })
  // A reset after the answer: not all was read of what was sent.
  socket.on('error', () => {})
  socket.end(text)
  await new Promise((resolve) => { socket.once('close', resolve) })
  return answer
}

const head = (host: string, line = 'GET / HTTP/1.1'): string => `${line}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

/** What the proxy is made of, or a version of something. */
const TELLTALE = /nginx|openresty|lua|resty|server:|\d\.\d+\.\d+|<html/i

export function testPages(controller: Controller): void {
  const { address, lab } = controller

  /** By name: port, bytes, the status of the answer. */
  const cases: Readonly<Record<string, readonly [number, string, number]>> = {
    'no such host': [80, head('nobody.example'), 404],
    'no such path': [80, head('paths.example', 'GET /nowhere HTTP/1.1'), 404],
    'a route without endpoints': [80, head('empty.example'), 503],
    'HTTP/1.0 without a host': [80, 'GET / HTTP/1.0\r\n\r\n', 404],
    'HTTP/1.1 without a host': [80, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    'two hosts': [80, 'GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n', 400],
    'no HTTP at all': [80, 'hello\r\n\r\n', 400],
    'another version': [80, head('paths.example', 'GET / HTTP/3.7'), 505],
    'TRACE': [80, head('paths.example', 'TRACE / HTTP/1.1'), 405],
    'a long line': [80, head('paths.example', `GET /${'x'.repeat(40_000)} HTTP/1.1`), 414],
    'a long header': [80, `GET / HTTP/1.1\r\nHost: paths.example\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 400],
    'an unknown encoding': [80, 'POST / HTTP/1.1\r\nHost: paths.example\r\nTransfer-Encoding: odd\r\n\r\n', 501],
    'a large body': [80, 'POST /prefix HTTP/1.1\r\nHost: paths.example\r\nContent-Length: 99999999\r\n\r\n', 413],
    'plain HTTP on the TLS port': [443, head('paths.example'), 400],
  }

  test('its own pages say what went wrong and nothing of who says so', async () => {
    await lab.apply([
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'empty' }, spec: { selector: { app: 'empty' }, ports: [{ port: 80 }] } } as object,
      ingressOf('empty', { rules: [{ host: 'empty.example', service: 'empty' }] }),
    ])
    await lab.waitFor('the route', async () => (await raw(address, 80, head('empty.example'))).startsWith('HTTP/1.1 503 '))
    const wrong: Record<string, string> = {}
    for (const [name, [port, bytes, status]] of Object.entries(cases)) {
      const answer = await raw(address, port, bytes)
      if (!answer.startsWith(`HTTP/1.1 ${status} `) || TELLTALE.test(answer)) wrong[name] = answer
    }
    assert.deepEqual(wrong, {})
  })
}
