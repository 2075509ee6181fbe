/** How the launcher ends NGINX: real signals, under requests. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Client } from 'undici'
import { backend, endpoints, host, route, type Backend } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve, until, type DataPlane, type Served } from './harness.ts'

const RECORDS = { 'host/default/a.example': host([route()]) }
/** A connection of its own. */
const CLOSE = { headers: { connection: 'close' } }
/** Longer than any test takes: it ends before only when something ends it. */
const LONG = { env: { RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD: '9999' } }
const NONE = { env: { RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD: '0' } }

async function isRefused(http: string): Promise<boolean> {
  const socket = connect(Number(new URL(http).port), '127.0.0.1')
  const refused = await once(socket, 'connect').then(() => false, () => true)
  socket.destroy()
  return refused
}

async function lead({ plane }: Served, web: Backend): Promise<void> {
  await plane.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
}

async function workersOf(plane: DataPlane): Promise<readonly number[]> {
  return (await plane.status()).workers.map(({ pid }) => pid)
}

everySetup('shutdown', (setup) => {
  for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
    test(`${signal}: new connections are served in the grace period; the second signal ends it`, async (t) => {
      const served = await serve(t, setup, LONG)
      const { plane, http } = served
      await lead(served, await backend(t, 'web'))
      plane.signal(signal)
      await until('it is said', () => plane.log.includes('stopping in 9999 s'))
      for (let i = 0; i < 5; i += 1) assert.equal((await ask(http, CLOSE)).status, 200)
      assert.equal((await plane.call('PATCH', '/v1/records', { base: 1, set: RECORDS })).status, 200)
      plane.signal(signal)
      assert.equal(await plane.ended(), 0)
      assert.ok(await isRefused(http))
      assert.deepEqual(plane.errors(), [])
    })
  }

  test('the grace period ends by itself', async (t) => {
    const served = await serve(t, setup, { env: { RESTY_INGRESS_SHUTDOWN_GRACE_PERIOD: '1' } })
    await lead(served, await backend(t, 'web'))
    served.plane.signal('SIGTERM')
    assert.equal(await served.plane.ended(), 0)
  })

  for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT'] as const) {
    test(`${signal} without a grace period: a request under way is finished, then it ends`, async (t) => {
      const served = await serve(t, setup, signal === 'SIGINT' ? LONG : NONE)
      const { plane, http } = served
      let waiting: ServerResponse | undefined
      await lead(served, await backend(t, 'web', (_request, response) => { waiting = response }))
      const slow = ask(http, CLOSE)
      await until('the backend has the request', () => waiting)
      plane.signal(signal)
      await until('no new connections', () => isRefused(http))
      waiting?.end('done at last')
      assert.equal((await slow).text, 'done at last')
      assert.equal(await plane.ended(), 0)
    })
  }

  test('a kept connection without a request does not hold it up', async (t) => {
    const served = await serve(t, setup, NONE)
    await lead(served, await backend(t, 'web'))
    const client = new Client(served.http)
    t.after(() => client.destroy())
    await (await client.request({ method: 'GET', path: '/', headers: { host: 'a.example' } })).body.dump()
    served.plane.signal('SIGTERM')
    assert.equal(await served.plane.ended(), 0)
  })

  test('a master that is killed ends the launcher, with its status; none of it is left', async (t) => {
    const { plane } = await serve(t, setup, LONG)
    const workers = await workersOf(plane)
    process.kill(plane.master, 'SIGKILL')
    assert.equal(await plane.ended(), 128 + 9)
    await until('no worker is left', () => workers.every((pid) => !existsSync(`/proc/${pid}/exe`)))
  })

  test('a launcher that is killed takes NGINX along', async (t) => {
    const { plane } = await serve(t, setup, LONG)
    const all = [plane.master, ...await workersOf(plane)]
    plane.signal('SIGKILL')
    assert.equal(await plane.ended(), 'SIGKILL')
    await until('nothing is left', () => all.every((pid) => !existsSync(`/proc/${pid}/exe`)))
  })
})
