import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parseAnswer, Poller, type Answer } from './poller.ts'

test('an answer is complete when its body is', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
  assert.equal(parseAnswer(head.slice(0, 20)), undefined)
  assert.equal(parseAnswer(`${head}hell`), undefined)
  assert.deepEqual(parseAnswer(`${head}hello`), { status: 200, body: 'hello' })
  assert.throws(() => parseAnswer('HTTP/1.1 200 OK\r\n\r\n'), /without a length/)
})

test('every connection asks again after each answer, and also after it was closed', async (t) => {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    response.writeHead(200, { 'content-length': 2, ...(requests % 5 === 0 ? { connection: 'close' } : {}) })
    response.end(request.headers.host === 'a.example' ? 'ok' : 'no')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const answers: Answer[] = []
  const enough = Promise.withResolvers<void>()
  const poller = new Poller({
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    host: 'a.example',
    pauseMs: 1,
    onAnswer: (answer) => { if (answers.push(answer) === 40) enough.resolve() },
  })
  await poller.open()
  await poller.open()
  await poller.open()
  poller.closeLast()
  assert.equal(requests, 3)
  poller.start()
  await enough.promise
  poller.close()
  assert.deepEqual([...new Set(answers.slice(3).map(({ connection }) => connection))].sort(), [0, 1])
  assert.ok(answers.every(({ status, body, sent, received }) => status === 200 && body === 'ok' && sent <= received))
})
