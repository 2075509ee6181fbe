/** Reloads: known to run before the answer, refused with the line, without loss where NGINX can. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'undici'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { renderFixture } from './fixture.ts'
import { everySetup, serve, until, type Served } from './harness.ts'

const RECORDS = { 'host/default/a.example': host([route()]) }

function salted(served: Served, salt: string): Parameters<typeof renderFixture>[0] {
  return { ...served.fixture, salt }
}

everySetup('configuration', (setup) => {
  const first = setup.reloaded ? 3 : 2

  test('a reload is answered when the new workers run; the same configuration is none', async (t) => {
    const served = await serve(t, setup)
    const { plane } = served
    const before = await plane.status()
    const answer = await plane.configure(salted(served, 'new'))
    assert.deepEqual([answer.status, answer.body.generation, answer.body.reloaded], [200, first + 1, true])
    assert.ok(answer.body.serving_ms > 0 && answer.body.serving_ms <= answer.body.duration_ms)
    const status = await plane.status()
    assert.equal(status.config_hash, renderFixture(salted(served, 'new')).hash)
    assert.equal(status.instance, before.instance)
    const old = before.workers.map((worker) => worker.pid)
    for (const worker of status.workers) assert.ok(!old.includes(worker.pid))
    const same = await plane.configure(salted(served, 'new'))
    assert.deepEqual(same.body, { generation: first + 1, duration_ms: 0, serving_ms: 0, reloaded: false })
    assert.deepEqual(plane.errors(), [])
  })

  test('many reloads in a row, each followed by requests', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await served.plane.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
    for (let i = 0; i < 8; i += 1) {
      const answer = await served.plane.configure(salted(served, `n${i}`))
      assert.equal(answer.body.generation, first + 1 + i)
      // A new connection each: whoever accepts it must be of the new generation.
      for (let j = 0; j < 4; j += 1) {
        assert.equal((await ask(served.http, { headers: { connection: 'close' } })).status, 200)
      }
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('what NGINX refuses is answered with its line, and the old one runs on', async (t) => {
    const served = await serve(t, setup)
    const { plane } = served
    const web = await backend(t, 'web')
    await plane.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
    const before = readFileSync(join(plane.folder, 'nginx.conf'), 'utf8')
    const { text } = renderFixture(salted(served, 'bad'))
    const lines = text.split('\n')
    const line = lines.findIndex((content) => content.includes('server_tokens')) + 1
    lines.splice(line - 1, 0, 'no_such_directive on;')
    const answer = await plane.call('PUT', '/v1/config', lines.join('\n'))
    assert.equal(answer.status, 422)
    assert.match(answer.body.message, /^unknown directive "no_such_directive" in .*nginx.conf:\d+$/)
    assert.equal(answer.body.line, line)
    assert.equal(readFileSync(join(plane.folder, 'nginx.conf'), 'utf8'), before)
    assert.equal((await ask(served.http)).status, 200)
    assert.equal((await plane.status()).generation, first)
    assert.equal((await plane.configure(salted(served, 'good'))).status, 200)
    const other = plane.errors().filter((content) => !content.includes('no_such_directive'))
    assert.deepEqual(other, [])
  })

  test('the file says which generation it is, and can be asked for', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    const { generation, config_hash: hash } = await plane.status()
    const { text } = renderFixture(fixture)
    const running = text.replace(/.*/, `# resty-ingress config ${hash} generation ${generation}`)
    assert.equal(readFileSync(join(plane.folder, 'nginx.conf'), 'utf8'), running)
    const client = new Client('http://control', { socketPath: join(plane.folder, 'control.sock') })
    t.after(() => client.destroy())
    const answer = await client.request({ method: 'GET', path: '/v1/config' })
    assert.equal(await answer.body.text(), running)
    assert.equal((await plane.call('PUT', '/v1/config', running)).status, 400)
  })

  test('a port that is taken refuses the configuration after its Lua ran', async (t) => {
    const served = await serve(t, setup)
    const taken = await backend(t, 'web')
    const answer = await served.plane.configure({ ...served.fixture, httpPort: taken.port })
    assert.equal(answer.status, 422)
    assert.match(answer.body.message, /bind\(\) to 127\.0\.0\.1:\d+ failed/)
    const status = await served.plane.status()
    assert.equal(status.generation, first)
    assert.equal(status.workers.length, setup.workers)
    assert.equal((await served.plane.configure(salted(served, 'good'))).body.generation, first + 1)
  })

  test('bodies that are no configuration, and two at a time', async (t) => {
    const served = await serve(t, setup)
    const { plane } = served
    const { text } = renderFixture(salted(served, 'x'))
    const otherHash = text.replace(/config \w+/, 'config 0123')
    const bodies = ['', 'worker_processes 1;', '# resty-ingress config XYZ\n', otherHash]
    for (const body of bodies) assert.equal((await plane.call('PUT', '/v1/config', body)).status, 400)
    const client = new Client('http://control', { socketPath: join(plane.folder, 'control.sock') })
    t.after(() => client.destroy())
    // Both clients connected, so that both come at the same time.
    await (await client.request({ method: 'GET', path: '/v1/status' })).body.dump()
    await plane.status()
    let round = 0
    // One that comes when the other has ended is no second one.
    await until('they meet', async () => {
      round += 1
      const running = plane.configure(salted(served, `one of ${round}`))
      const body = renderFixture(salted(served, `two of ${round}`)).text
      const second = await client.request({ method: 'PUT', path: '/v1/config', body })
      await second.body.dump()
      const statuses = [(await running).status, second.statusCode].toSorted()
      assert.deepEqual(statuses, [200, statuses.includes(409) ? 409 : 200])
      return statuses.includes(409)
    })
    assert.deepEqual(plane.errors(), [])
  })

  test('records, and a request in flight, outlive reloads', async (t) => {
    const served = await serve(t, setup)
    const { plane, http } = served
    let waiting: ServerResponse | undefined
    const web = await backend(t, 'web', (request, response) => {
      if (request.url === '/slow') waiting = response
      else response.end('quick')
    })
    await plane.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
    const slow = ask(http, { path: '/slow' })
    await until('the backend has the request', () => waiting)
    for (const salt of ['a', 'b', 'c']) {
      assert.equal((await plane.configure(salted(served, salt))).status, 200)
      assert.equal((await ask(http, { headers: { connection: 'close' } })).text, 'quick')
    }
    waiting?.end('done at last')
    assert.equal((await slow).text, 'done at last')
    assert.equal((await plane.status()).revision, 1)
    assert.deepEqual(plane.errors(), [])
  })

  const loses = setup.variant === 'system'
  test('an idle keep-alive connection gets one more answer, where NGINX can', { skip: loses }, async (t) => {
    const served = await serve(t, setup, { minTimeout: true })
    const web = await backend(t, 'web')
    await served.plane.put({ ...RECORDS, 'backend/test/web/80': endpoints(web) })
    // However long the reload takes, it is NGINX that ends the connection.
    const client = new Client(served.http, { keepAliveTimeout: 60_000 })
    t.after(() => client.destroy())
    const get = async (): Promise<unknown> => {
      const answer = await client.request({ method: 'GET', path: '/', headers: { host: 'a.example' } })
      await answer.body.dump()
      return [answer.statusCode, answer.headers['connection']]
    }
    assert.deepEqual(await get(), [200, 'keep-alive'])
    assert.equal((await served.plane.configure({ ...salted(served, 'new') })).status, 200)
    assert.deepEqual(await get(), [200, 'close'])
    assert.deepEqual(await get(), [200, 'keep-alive'])
    assert.deepEqual(served.plane.errors(), [])
  })

  test('fewer and more workers', async (t) => {
    const served = await serve(t, setup)
    for (const workers of [4, 1, 3]) {
      assert.equal((await served.plane.configure({ ...served.fixture, workers })).status, 200)
      const status = await served.plane.status()
      assert.deepEqual([status.worker_count, status.workers.length], [workers, workers])
    }
    assert.deepEqual(served.plane.errors(), [])
  })
})
