/** Routing and balancing of one request, with others in between. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve } from './harness.ts'

const NAMES = ['first', 'second', 'third'] as const

/** A request whose body is announced and half sent: routed, and not yet balanced. */
async function begin(origin: string, name: string): Promise<Socket> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`POST /${name} HTTP/1.1\r\nHost: ${name}.example\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab`)
  return socket
}

async function finish(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString() })
  socket.write('cd')
  await once(socket, 'close')
  return text
}

everySetup('handover', (setup) => {
  test('requests that wait for their bodies find their backends, whoever comes in between', async (t) => {
    const { plane, http } = await serve(t, setup)
    const records = await Promise.all(NAMES.map(async (name) => [
      [`host/default/${name}.example`, host([route({ backend: name })])] as const,
      [`backend/test/${name}/80`, endpoints(await backend(t, name))] as const,
    ]))
    await plane.put(Object.fromEntries(records.flat()))
    for (let round = 0; round < 20; round++) {
      const waiting = await Promise.all(NAMES.map((name) => begin(http, name)))
      const abandoned = await begin(http, 'first')
      for (const name of NAMES) assert.equal((await ask(http, { host: `${name}.example` })).text, `${name} GET / 0`)
      abandoned.destroy()
      for (const name of NAMES) assert.equal((await ask(http, { host: `${name}.example` })).text, `${name} GET / 0`)
      for (const [index, socket] of [...waiting.entries()].reverse()) {
        assert.match(await finish(socket), new RegExp(`${NAMES[index]} POST /${NAMES[index]} 4`))
      }
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('a retry of one request does not meet the tries of another', async (t) => {
    const { plane, http } = await serve(t, setup)
    const gone = await backend(t, 'gone')
    const port = gone.port
    gone.server.close()
    const records = await Promise.all(NAMES.map(async (name) => [
      [`host/default/${name}.example`, host([route({ backend: name })])] as const,
      [`backend/test/${name}/80`, endpoints(['127.0.0.1', port], await backend(t, name))] as const,
    ]))
    await plane.put(Object.fromEntries(records.flat()))
    const asked = Array.from({ length: 60 }, (_, index) => NAMES[index % NAMES.length] ?? '')
    const replies = await Promise.all(asked.map((name) => ask(http, { host: `${name}.example` })))
    assert.deepEqual(replies.map(({ text }) => text), asked.map((name) => `${name} GET / 0`))
  })
})
