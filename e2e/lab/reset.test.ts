import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { reset } from './reset.ts'

/** Both ends of a connection. */
async function connection(t: TestContext): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  t.after(() => { server.close() })
  await once(server, 'listening')
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')])
  t.after(() => { far.destroy() })
  return [near, far.on('error', () => {}).resume()]
}

test('the other side hears of a reset', async (t) => {
  const [near, far] = await connection(t)
  const heard = once(far, 'error') as Promise<[NodeJS.ErrnoException]>
  reset(near)
  assert.equal((await heard)[0].code, 'ECONNRESET')
})

test('a connection that has just been ended is given up all the same', async (t) => {
  const [near] = await connection(t)
  near.end()
  reset(near)
  await once(near, 'close')
})
