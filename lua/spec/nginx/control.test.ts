/** The calls about records, status and metrics; hostile bodies leave the workers alive. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, serve, start, until, type DataPlane, type Json } from './harness.ts'

const HOST = 'host/default/a.example'
const BACKEND = 'backend/test/web/80'
/** A new connection each, so that any worker may get it. */
const CLOSE = { headers: { connection: 'close' } }

async function pids(plane: DataPlane): Promise<readonly number[]> {
  return (await plane.status()).workers.map((worker) => worker.pid)
}

everySetup('control API', (setup) => {
  test('status says what runs', async (t) => {
    const { plane } = await serve(t, setup)
    const status = await plane.status()
    const generation = setup.reloaded ? 3 : 2
    assert.match(status.instance, /^[0-9a-f]{32}$/)
    assert.equal(status.generation, generation)
    assert.equal(status.revision, 0)
    assert.equal(status.reloading, false)
    assert.equal(status.worker_count, setup.workers)
    assert.equal(status.workers.length, setup.workers)
    for (const worker of status.workers) {
      assert.deepEqual([worker.generation, worker.config_hash], [generation, status.config_hash])
    }
    const old = setup.variant === 'system'
    assert.equal(status.loss_free_reload, !old)
    assert.equal(status.capabilities.http2_directive, !old)
    assert.equal(status.capabilities.headers_more, true)
    assert.equal(status.capabilities.stream_lua, setup.variant === 'openresty')
    assert.match(status.nginx.version, /^1\.\d+\.\d+$/)
    assert.deepEqual(Object.keys(status.dictionaries).toSorted(), ['health', 'metrics', 'records', 'state'])
    for (const { capacity, free, used } of Object.values(status.dictionaries)) {
      assert.ok(free <= capacity && used >= 0 && used <= 1)
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('a push applies what is valid and names what is not', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    const set = { [HOST]: host([route()]), [BACKEND]: endpoints(web) }
    assert.deepEqual((await plane.call('PUT', '/v1/records', { set })).body, { revision: 1, rejected: {} })
    assert.deepEqual((await plane.call('PUT', '/v1/records', { set })).body, { revision: 1, rejected: {} })
    const patch = (body: Json): ReturnType<DataPlane['call']> => plane.call('PATCH', '/v1/records', body)
    const bad = withDigest({ endpoints: [['localhost', 80]] })
    const mixed = await patch({ base: 1, set: { [BACKEND]: bad, 'backend/test/other/80': endpoints() } })
    assert.equal(mixed.body.revision, 2)
    assert.deepEqual(Object.keys(mixed.body.rejected), [BACKEND])
    assert.match(String(mixed.body.rejected[BACKEND]), /endpoints\[0\]: the address must be/)
    assert.equal((await ask(http)).status, 200)
    const stale = await patch({ base: 1, set: {} })
    assert.deepEqual([stale.status, stale.body.revision], [409, 2])
    assert.equal((await patch({ base: 2, delete: ['backend/test/none/80'] })).body.revision, 2)
    assert.equal((await patch({ base: 2, delete: [HOST, BACKEND] })).body.revision, 3)
    assert.equal((await ask(http)).status, 404)
    const list = await plane.call('GET', '/v1/records')
    assert.deepEqual(Object.keys(list.body.digests), ['backend/test/other/80'])
    assert.deepEqual(plane.errors(), [])
  })

  test('the whole set replaces the one before; what it has in a bad form keeps its old value', async (t) => {
    const { plane } = await serve(t, setup)
    const empty = await plane.call('PUT', '/v1/records', { set: {} })
    assert.deepEqual(empty.body, { revision: 1, rejected: {} })
    const first = endpoints(['127.0.0.1', 1])
    await plane.put({ [BACKEND]: first, 'backend/test/other/80': endpoints() })
    const set = { [BACKEND]: { digest: 'x', endpoints: 1 } }
    const answer = await plane.call('PUT', '/v1/records', { set })
    assert.deepEqual(Object.keys(answer.body.rejected), [BACKEND])
    const list = await plane.call('GET', '/v1/records')
    assert.deepEqual(list.body.digests, { [BACKEND]: first['digest'] })
    assert.deepEqual((await plane.call('GET', `/v1/records/${BACKEND}`)).body, first)
    assert.deepEqual(plane.errors(), [])
  })

  test('a record comes back as it was sent, empty lists included', async (t) => {
    const { plane } = await serve(t, setup)
    const records = {
      'host/default/*.a.example': host([route({ backends: [] })]),
      'host/default/_': host([]),
      [BACKEND]: endpoints(),
      'setting/global': withDigest({ timeouts: { read: 7 } }),
    }
    await plane.put(records)
    for (const [key, record] of Object.entries(records)) {
      assert.deepEqual((await plane.call('GET', `/v1/records/${key}`)).body, record, key)
    }
    assert.equal((await plane.call('GET', '/v1/records/host/default/none')).status, 404)
    assert.equal((await plane.call('GET', '/v1/records/lock/push')).status, 404)
    assert.deepEqual(plane.errors(), [])
  })

  test('a worker reports the revision that it took over at a request', async (t) => {
    const { plane, http } = await serve(t, setup)
    await plane.put({ [HOST]: host([route({ backend: 'none' })]) })
    await ask(http)
    const revisions = (await plane.status()).workers.map((worker) => worker.revision)
    assert.ok(revisions.includes(1))
    assert.ok(revisions.every((revision) => revision <= 1))
    assert.deepEqual(plane.errors(), [])
  })

  test('a worker that slept through many changes, and one that was respawned, are up to date', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(web) })
    await ask(http)
    for (let i = 0; i < 300; i += 1) {
      const list = i === 0 ? endpoints() : endpoints(['127.0.0.1', 1 + i], web)
      await plane.call('PATCH', '/v1/records', { base: i + 1, set: { [BACKEND]: list } })
    }
    await plane.call('PATCH', '/v1/records', { base: 301, set: { [BACKEND]: endpoints(web) } })
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(http, CLOSE)).status, 200)
    const [victim = 0] = await pids(plane)
    process.kill(victim, 'SIGKILL')
    await until('the master replaced the worker', async () => {
      const after: readonly number[] = await pids(plane).catch(() => [])
      return after.length === setup.workers && !after.includes(victim)
    })
    for (let i = 0; i < 8; i += 1) assert.equal((await ask(http, CLOSE)).status, 200)
    assert.equal((await plane.status()).generation, setup.reloaded ? 3 : 2)
  })

  test('a full dictionary applies nothing of the push', async (t) => {
    const { plane, http } = await serve(t, setup, { env: { RESTY_INGRESS_RECORDS_SIZE: '1m' } })
    const web = await backend(t, 'web')
    const kept = { [HOST]: host([route()]), [BACKEND]: endpoints(web) }
    await plane.put(kept)
    const many = (count: number): Json => Object.fromEntries(Array.from({ length: count }, (_, i) =>
      [`host/default/h${i}.example`, host([route({ path: `/${'x'.repeat(500)}` })])]))
    const before = (await plane.call('GET', '/v1/records')).body
    const changed = { ...many(2000), [BACKEND]: endpoints() }
    const answer = await plane.call('PATCH', '/v1/records', { base: 1, set: changed, delete: [HOST] })
    assert.equal(answer.status, 507)
    assert.equal(answer.body.capacity, 1024 * 1024)
    assert.ok(answer.body.needed > answer.body.capacity)
    assert.deepEqual((await plane.call('GET', '/v1/records')).body, before)
    for (let i = 0; i < 6; i += 1) assert.equal((await ask(http)).status, 200)
    const small = await plane.call('PATCH', '/v1/records', { base: 1, set: many(50) })
    assert.deepEqual(small.body, { revision: 2, rejected: {} })
    assert.deepEqual(plane.errors(), [])
  })

  test('errors are JSON with a message', async (t) => {
    const { plane } = await serve(t, setup)
    const cases = [
      ['GET', '/', 404], ['GET', '/v2/status', 404],
      ['POST', '/v1/status', 405], ['DELETE', '/v1/records', 405],
      ['PUT', `/v1/records/${BACKEND}`, 405], ['PATCH', '/v1/config', 405], ['GET', '/v1/records/', 404],
    ] as const
    for (const [method, path, status] of cases) {
      const answer = await plane.call(method, path)
      assert.equal(answer.status, status, `${method} ${path}`)
      assert.equal(typeof answer.body.message, 'string')
    }
    const mode = statSync(join(plane.folder, 'control.sock')).mode & 0o777
    assert.equal(mode, 0o660)
    assert.deepEqual(plane.errors(), [])
  })

  test('hostile bodies are refused and hurt nobody', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints(web) })
    const alive = await pids(plane)
    const bodies = [
      '', ' ', 'null', '1', '"x"', '[]', '[1]', '{', '{}}', '{"set":}', '\0',
      '{"set":null}', '{"set":[1]}', '{"set":"x"}',
      '{"set":{},"other":1}', '{"base":-1}', '{"base":1.5}', '{"base":"1"}', '{"base":1e999}', '{"base":NaN}',
      '{"base":1,"delete":{"a":1}}', '{"base":1,"delete":["x"]}', '{"base":1,"delete":[1]}',
      '{"base":1,"set":[[]]}',
      `${'['.repeat(100000)}`, `{"base":1,"set":{"a":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}}`,
    ]
    for (const method of ['PUT', 'PATCH']) {
      for (const body of bodies) {
        const answer = await plane.call(method, '/v1/records', body)
        assert.equal(answer.status, 400, `${method} ${body.slice(0, 60)}`)
        assert.equal(typeof answer.body.message, 'string')
      }
    }
    const deep = `${'{"a":'.repeat(12)}1${'}'.repeat(12)}`
    const values = [
      'null', 'true', '1', '"x"', '[]', '[null]', '{}', '{"digest":1}', '{"digest":"x\\u0000"}', deep,
    ]
    const keys = [
      HOST, BACKEND, 'setting/global', 'certificate/default', '', 'a\\u0000b', 'x'.repeat(100000), '../etc',
      'lock/push',
    ]
    for (const key of keys) {
      for (const value of values) {
        const text = `{"base":1,"set":{"${key}":${value}}}`
        const answer = await plane.call('PATCH', '/v1/records', text)
        assert.equal(answer.status, 200, text.slice(0, 80))
        assert.equal(Object.keys(answer.body.rejected).length, 1, text.slice(0, 80))
      }
    }
    assert.deepEqual(await pids(plane), alive)
    assert.equal((await plane.status()).revision, 1)
    assert.equal((await ask(http)).status, 200)
    assert.deepEqual(plane.errors(), [])
  })

  test('addresses that are never a destination', async (t) => {
    const { plane } = await serve(t, setup, {
      env: { RESTY_INGRESS_ALLOW_LOOPBACK: '0', RESTY_INGRESS_POD_IPS: '198.18.0.7, 2001:db8::7' },
    })
    const wrong = [
      '127.0.0.1', '127.1.2.3', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '198.18.0.7',
      '::1', '::', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:c612:7', '2001:DB8:0:0::7',
      'unix:/x', 'localhost', '1.2.3.4:5',
    ]
    for (const address of wrong) {
      const answer = await plane.call('PUT', '/v1/records', { set: { [BACKEND]: endpoints([address, 80]) } })
      assert.deepEqual(Object.keys(answer.body.rejected), [BACKEND], address)
    }
    await plane.put({ [BACKEND]: endpoints(['198.18.0.8', 80], ['2001:db8::8', 80]) })
    assert.deepEqual(plane.errors(), [])
  })

  test('in the network of a node only our own ports are never a destination', async (t) => {
    const { plane } = await serve(t, setup, {
      env: { RESTY_INGRESS_POD_IPS: '198.18.0.7', RESTY_INGRESS_POD_PORTS: '80,443' },
    })
    const answer = await plane.call('PUT', '/v1/records', { set: { [BACKEND]: endpoints(['198.18.0.7', 443]) } })
    assert.deepEqual(Object.keys(answer.body.rejected), [BACKEND])
    const checked = (port: number): object => ({
      ...endpoints(['198.18.0.7', 9100]),
      health_check: { path: '/', interval: 3600, timeout: 1, healthy: 1, unhealthy: 1, port },
    })
    const { body } = await plane.call('PUT', '/v1/records', { set: { [BACKEND]: checked(443) } })
    assert.match(String(body.rejected[BACKEND]), /"198\.18\.0\.7" is an address of this pod/, 'nor is one asked by a check')
    await plane.put({ [BACKEND]: checked(9101) })
    assert.deepEqual(plane.errors(), [])
  })

  test('metrics are Prometheus text', async (t) => {
    const { plane } = await serve(t, setup)
    await plane.put({ [HOST]: host([route()]), [BACKEND]: endpoints() })
    const { text } = await plane.call('GET', '/v1/metrics')
    const lines = text.trimEnd().split('\n')
    const metric = /^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9.e+]+)$/
    for (const line of lines) assert.match(line, metric)
    assert.ok(lines.includes('resty_ingress_revision 1'))
    assert.ok(lines.includes('resty_ingress_records{kind="host"} 1'))
    assert.ok(lines.includes(`resty_ingress_workers ${setup.workers}`))
    assert.ok(lines.includes(`resty_ingress_reloads_total{result="success"} ${setup.reloaded ? 2 : 1}`))
    assert.deepEqual(plane.errors(), [])
  })

  test('records are counted by kind, whatever is done to them, and after a start', async (t) => {
    const { plane } = await serve(t, setup)
    const counted = async (at: DataPlane): Promise<readonly (string | undefined)[]> => {
      const { text } = await at.call('GET', '/v1/metrics')
      return ['host', 'backend'].map((kind) => new RegExp(`^resty_ingress_records\\{kind="${kind}"\\} (.*)$`, 'm').exec(text)?.[1])
    }
    const other = 'host/default/other.example'
    await plane.put({ [HOST]: host([route()]), [other]: host([route()]), [BACKEND]: endpoints() })
    assert.deepEqual(await counted(plane), ['2', '1'])
    await plane.call('PATCH', '/v1/records', { base: 1, set: { [HOST]: host([route({ path: '/again' })]) } })
    assert.deepEqual(await counted(plane), ['2', '1'])
    await plane.call('PATCH', '/v1/records', { base: 2, delete: [other, other, 'host/default/none.example'] })
    assert.deepEqual(await counted(plane), ['1', '1'])
    await plane.put({ [other]: host([route()]), 'backend/test/next/80': endpoints(), [BACKEND]: endpoints() })
    assert.deepEqual(await counted(plane), ['1', '2'])
    await plane.stop()
    const again = await start(setup.variant, { folder: plane.folder })
    t.after(() => again.stop())
    assert.deepEqual(await counted(again), ['1', '2'])
  })

  test('ten thousand hosts: other requests go on, and any host is served', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    const hosts = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) =>
      [`host/default/h${i}.example`, host([route({ path: '/userInfo' }), route()])]))
    await plane.put({ ...hosts, [BACKEND]: endpoints(web) })
    for (const i of [0, 5000, 9999]) assert.equal((await ask(http, { host: `h${i}.example` })).status, 200)
    for (const i of [0, 5000, 9999]) assert.equal((await ask(http, { host: `no${i}.example` })).status, 404)
    const one = await plane.call('PATCH', '/v1/records', { base: 1, set: { [HOST]: host([route()]) } })
    assert.equal(one.body.revision, 2)
    assert.equal((await ask(http)).status, 200)
    assert.deepEqual(plane.errors(), [])
  })
})
