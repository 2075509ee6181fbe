/** HTTP/2, websockets, and bodies that flow. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import type { Controller } from '../controller.ts'
import { Echoes, Upload } from '../exchange.ts'
import { ask, send } from '../http.ts'
import { ingressOf } from '../workload.ts'
import { destination } from './routing.ts'

const CHUNKS = 5
const GAP_MS = 400

/** One request over HTTP/2, verified. */
async function askHttp2(controller: Controller, host: string, body: string): Promise<{ status: number, body: string }> {
  const { address, lab } = controller
  const session = connectHttp2(`https://${host}`, { host: address, servername: host, ca: lab.authorityCertificate })
  try {
    const stream = session.request({ ':method': 'POST', ':path': '/two?x', ':authority': host })
    stream.end(body)
    const [head] = await once(stream, 'response') as [{ ':status'?: number }]
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    return { status: head[':status'] ?? 0, body: text }
  } finally {
    session.close()
  }
}

export function testProtocols(controller: Controller): void {
  const { address, lab } = controller

  test('HTTP/2 over TLS', async () => {
    const { status, body } = await askHttp2(controller, 'tls.example', 'x'.repeat(100_000))
    assert.equal(status, 200)
    const echo = JSON.parse(body) as { method: string, url: string, body: string, headers: Record<string, string> }
    assert.deepEqual([echo.method, echo.url, echo.body.length], ['POST', '/two?x', 100_000])
    assert.equal(echo.headers['host'], 'tls.example')
  })

  test('websockets, plain and over TLS', async () => {
    for (const where of [
      { address, host: 'headers.example' }, { address, host: 'tls.example', ca: lab.authorityCertificate },
    ]) {
      const socket = await Echoes.open({ ...where, path: '/socket' })
      assert.match(await socket.say('hello'), /^one-\S+ hello$/)
      assert.match(await socket.say('again'), /^one-\S+ again$/)
      socket.close()
    }
  })

  test('a response flows as the backend writes it', async () => {
    const response = await send({ address, host: 'headers.example', path: `/?chunks=${CHUNKS}&gap=${GAP_MS}` })
    let text = ''
    let pieces = 0
    for await (const chunk of response) {
      text += String(chunk)
      pieces++
    }
    assert.equal(text, '0\n1\n2\n3\n4\n')
    assert.ok(pieces > 1, 'all came at once')
  })

  test('a request body flows where proxy-request-buffering is off, and waits for its end elsewhere', async () => {
    const annotations = { 'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off' }
    await lab.apply(ingressOf('flowing', { annotations, rules: [{ host: 'flowing.example', service: 'two' }] }))
    await lab.apply(ingressOf('waiting', { rules: [{ host: 'waiting.example', service: 'two' }] }))
    await lab.waitFor('the routes', async () =>
      await destination(controller, 'flowing.example') === 'two' && await destination(controller, 'waiting.example') === 'two')

    // The only pod of `two` counts its requests, this one included.
    const count = async (): Promise<number> =>
      (JSON.parse((await ask({ address, host: 'waiting.example' })).body) as { requests: number }).requests
    const waiting = await Upload.start({ address, host: 'waiting.example' }, 'begun, ')
    const before = await count()
    const flowing = await Upload.start({ address, host: 'flowing.example' }, 'begun, ')
    let questions = 0
    await lab.waitFor('the backend has the request', async () => await count() === before + ++questions + 1)
    for (const upload of [waiting, flowing]) assert.equal(await upload.end('ended'), 'begun, ended')
    assert.equal(await count(), before + questions + 3)
  })
}
