/** SIGKILL at any moment: what was answered stays, what was not is there as a whole or not at all. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { Client } from 'undici'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve, start, until, type DataPlane, type Json, type Setup } from './harness.ts'

const HOST = 'host/default/a.example'
const BACKEND = 'backend/test/web/80'
const MANY = 1500
const CLOSE = { headers: { connection: 'close' } }

type Digests = Readonly<Record<string, string>>

function hosts(path: string, count = MANY): Json {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`host/default/h${i}.example`, host([route({ path })])]))
}

function digestsOf(set: Json): Digests {
  return Object.fromEntries(Object.entries(set).map(([key, record]) => [key, (record as { digest: string }).digest]))
}

/** Over a connection of its own: those of before may have died with their worker. */
async function call(plane: DataPlane, method: 'GET' | 'PATCH' | 'PUT', path: string, body?: Json): Promise<Json> {
  const client = new Client('http://control', { socketPath: join(plane.folder, 'control.sock') })
  try {
    const answer = await client.request({ method, path, body: body === undefined ? null : JSON.stringify(body) })
    return { status: answer.statusCode, ...await answer.body.json() as Json }
  } finally {
    await client.destroy()
  }
}

async function read(plane: DataPlane): Promise<{ readonly revision: number; readonly digests: Digests }> {
  return await call(plane, 'GET', '/v1/records') as never
}

async function again(test: TestContext, setup: Setup, plane: DataPlane): Promise<DataPlane> {
  // Its workers may still be there.
  process.kill(plane.master, 'SIGKILL')
  await plane.ended()
  const next = await start(setup.variant, { folder: plane.folder })
  test.after(() => next.stop())
  return next
}

everySetup('kills', (setup) => {
  test('a worker: its requests are lost, those of others are not, and the next has everything', async (t) => {
    const { plane, http } = await serve(t, setup)
    const waiting: ServerResponse[] = []
    const web = await backend(t, 'web', (request, response) => {
      if (request.url === '/slow') waiting.push(response)
      else response.end('quick')
    })
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(web) })
    const before = await plane.status()
    const slow = Array.from({ length: 8 }, () => ask(http, { path: '/slow', ...CLOSE }).then(() => 'done', () => 'lost'))
    await until('the backend has all of them', () => waiting.length === slow.length)
    const [victim = 0] = before.workers.map(({ pid }) => pid)
    process.kill(victim, 'SIGKILL')
    await until('another worker', async () => {
      const pids: number[] = await plane.status().then(({ workers }) => workers.map(({ pid }) => pid), () => [])
      return pids.length === setup.workers && !pids.includes(victim)
    })
    for (const response of waiting) response.end()
    const results = await Promise.all(slow)
    if (setup.workers === 1) assert.deepEqual(results, results.map(() => 'lost'))
    for (let i = 0; i < 6; i += 1) assert.equal((await ask(http, CLOSE)).text, 'quick')
    assert.equal((await plane.status()).instance, before.instance)
  })

  test('the worker that handles a push, at any moment: the state is whole, the next push goes through', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await call(plane, 'PUT', '/v1/records', { set: { [HOST]: host([route()]), [BACKEND]: endpoints(web), ...hosts('/0') } })
    for (let round = 1; round <= 8; round += 1) {
      const before = await read(plane)
      const wanted = hosts(`/${round}`)
      const push = call(plane, 'PATCH', '/v1/records', { base: before.revision, set: wanted }).catch(() => undefined)
      await sleep(round * 7)
      for (const { pid } of (await plane.status().catch(() => ({ workers: [] }))).workers) process.kill(pid, 'SIGKILL')
      await push
      await until('another worker', () => call(plane, 'GET', '/v1/status').then(() => true, () => false))
      const after = await read(plane)
      const answer = await call(plane, 'PATCH', '/v1/records', { base: after.revision, set: wanted })
      assert.equal(answer['status'], 200, JSON.stringify(answer))
      const { digests } = await read(plane)
      for (const [key, digest] of Object.entries(digestsOf(wanted))) assert.equal(digests[key], digest, key)
      assert.equal((await ask(http, CLOSE)).status, 200)
    }
    await until('the file is whole', async () => {
      const file = (await call(plane, 'GET', '/v1/status'))['record_file'] as { trouble?: string }
      return file.trouble === undefined
    })
    const last = await read(plane)
    const next = await again(t, setup, plane)
    assert.deepEqual(await read(next), last)
  })

  test('the sidecar, in the middle of the body of a push: nothing of it is applied', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts('/0', 3))
    const before = await read(plane)
    const socket = connect(join(plane.folder, 'control.sock'))
    socket.on('error', () => {})
    socket.write('PATCH /v1/records HTTP/1.1\r\nHost: control\r\nContent-Length: 100000\r\n\r\n{"base":1,"set":{')
    await sleep(20)
    socket.destroy()
    const answer = await call(plane, 'PATCH', '/v1/records', { base: before.revision, set: hosts('/1', 3) })
    assert.equal(answer['status'], 200)
    assert.equal((await read(plane)).revision, 2)
  })

  test('the master, while pushes flow: every answered push is there, and at most one more', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put(hosts('/0', 200))
    let answered = 1
    const kill = sleep(150).then(() => plane.stop('SIGKILL'))
    for (let revision = 1; ; revision += 1) {
      const body = { base: revision, set: hosts(`/${revision}`, 200) }
      const answer = await call(plane, 'PATCH', '/v1/records', body).catch(() => undefined)
      if (answer?.['status'] !== 200) break
      answered = revision + 1
    }
    await kill
    const next = await start(setup.variant, { folder: plane.folder })
    t.after(() => next.stop())
    const { revision, digests } = await read(next)
    assert.ok(revision === answered || revision === answered + 1, `${revision} after ${answered}`)
    assert.deepEqual(digests, digestsOf(hosts(`/${revision - 1}`, 200)))
  })

  test('the master, in the middle of a reload: it starts with one of the two configurations', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await served.plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(web) })
    let { plane } = served
    for (const wait of [0, 10, 30, 60]) {
      const reload = plane.configure({ ...served.fixture, salt: `after ${wait} ms` }).catch(() => undefined)
      await sleep(wait)
      plane = await again(t, setup, plane)
      await reload
      assert.equal((await ask(served.http)).status, 200)
      assert.notEqual((await plane.status()).config_hash, '0')
      assert.deepEqual(readdirSync(plane.folder).filter((name) => /\.(new|previous)$/.test(name)), [])
    }
  })
})
