/** Which tries are repeated, where, how often, and who pays. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { ask, type Ask } from './client.ts'
import { everySetup, everyVariant, freePort, serve, type DataPlane, type Json } from './harness.ts'
import { answers, keepsSilent, peer, resetsAfter, type Behaviour, type Peer } from './peers.ts'

const UNBUFFERED = 'c00000000001'
const NON_IDEMPOTENT = 'c00000000002'
const ON_503 = 'c00000000003'
const FIRST_ONLY = 'c00000000004'

const CLASSES = {
  [UNBUFFERED]: 'proxy_request_buffering off;',
  [NON_IDEMPOTENT]: '',
  [ON_503]: '',
  [FIRST_ONLY]: '',
}
const CONDITIONS = {
  [NON_IDEMPOTENT]: 'error timeout non_idempotent',
  [ON_503]: 'error timeout http_503',
  [FIRST_ONLY]: 'off',
}
/** More than comes with the header: a body that is there as a whole counts as kept. */
const LARGE = 'x'.repeat(300_000)
const NO_EJECTION = { failures: 0, time: 1, max_time: 1, max_percent: 50, server_errors: false }
const PLENTY = { percent: 100, min_per_second: 1000 }

function setting(budget: Json = PLENTY): Json {
  return withDigest({ ejection: NO_EJECTION, retry_budget: budget })
}

function toPorts(...peers: readonly { readonly port: number }[]): Json {
  return endpoints(...peers.map(({ port }) => ['127.0.0.1', port] as const))
}

async function several(t: TestContext, count: number, behave: Behaviour): Promise<readonly Peer[]> {
  return Promise.all(Array.from({ length: count }, () => peer(t, behave)))
}

function sum(peers: readonly Peer[]): number {
  return peers.reduce((total, { requests }) => total + requests, 0)
}

async function counts(plane: DataPlane): Promise<Readonly<Record<string, number>>> {
  return (JSON.parse((await plane.call('GET', '/v1/health')).text) as { counts: Record<string, number> }).counts
}

everySetup('retries', (setup) => {
  test('no endpoint is tried twice while another is left', async (t) => {
    const { plane, http } = await serve(t, setup)
    const bad = await several(t, 4, resetsAfter(''))
    const good = await peer(t, answers('good'))
    const all = [...bad, good]
    await plane.put({
      'setting/global': setting(),
      'backend/test/web/80': toPorts(...all),
      'backend/test/bad/80': toPorts(...bad),
      'host/default/a.example': host([route({ policies: { retries: { tries: 0 } } })]),
      'host/default/b.example': host([route({ backend: 'bad', policies: { retries: { tries: 0 } } })]),
    })
    for (let i = 0; i < 5; i += 1) assert.equal((await ask(http)).text, 'good')
    const before = bad.map(({ requests }) => requests)
    assert.equal((await ask(http, { host: 'b.example' })).status, 502)
    assert.deepEqual(bad.map(({ requests }, i) => requests - (before[i] ?? 0)), [1, 1, 1, 1])
    assert.deepEqual(plane.errors().filter((line) => !/reset by peer|no live upstreams/.test(line)), [])
  })

  test('what may have reached the backend is repeated only when it is idempotent', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES, conditions: CONDITIONS })
    const bad = await peer(t, resetsAfter(''))
    const good = await backend(t, 'good')
    const dead = await freePort()
    await plane.put({
      'setting/global': setting(),
      'backend/test/web/80': toPorts(bad, good),
      'backend/test/refusing/80': toPorts({ port: dead }, good),
      'host/default/a.example': host([
        route({ path: '/refused', backend: 'refusing' }),
        route({ path: '/any', class: NON_IDEMPOTENT }),
        route({ path: '/off', class: FIRST_ONLY }),
        route(),
      ]),
    })
    const outcomes = async (what: Ask): Promise<readonly string[]> => {
      const seen = new Set<string>()
      for (let i = 0; i < 4; i += 1) {
        const { status, text } = await ask(http, what)
        seen.add(status === 200 ? text : String(status))
      }
      return [...seen].sort()
    }
    const body = 'x'.repeat(1000)
    assert.deepEqual(await outcomes({ method: 'PUT', body }), ['good PUT / 1000'])
    assert.deepEqual(await outcomes({ method: 'POST', body }), ['502', 'good POST / 1000'])
    assert.deepEqual(await outcomes({ method: 'POST', path: '/refused', body }), ['good POST /refused 1000'])
    assert.deepEqual(await outcomes({ method: 'POST', path: '/any', body }), ['good POST /any 1000'])
    assert.deepEqual(await outcomes({ path: '/off' }), ['502', 'good GET /off 0'])
  })

  test('a body that is not kept is not sent twice', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES, conditions: CONDITIONS })
    const bad = await peer(t, resetsAfter(''))
    const good = await backend(t, 'good')
    await plane.put({
      'setting/global': setting(),
      'backend/test/web/80': toPorts(bad, good),
      'backend/test/refusing/80': toPorts({ port: await freePort() }, good),
      'host/default/a.example': host([
        route({ path: '/refused', class: UNBUFFERED, backend: 'refusing' }), route({ class: UNBUFFERED }),
      ]),
    })
    const statuses = new Set<number>()
    for (let i = 0; i < 4; i += 1) {
      statuses.add((await ask(http, { method: 'PUT', body: LARGE })).status)
      const refused = await ask(http, { method: 'PUT', path: '/refused', body: LARGE })
      assert.equal(refused.text, `good PUT /refused ${LARGE.length}`)
    }
    assert.deepEqual([...statuses].sort(), [200, 502])
  })

  test('a status may be a reason, and the last answer is passed on', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES, conditions: CONDITIONS })
    const bad = await peer(t, answers('sorry', '503 Service Unavailable'))
    const good = await peer(t, answers('good'))
    await plane.put({
      'setting/global': setting(),
      'backend/test/web/80': toPorts(bad, good),
      'backend/test/bad/80': toPorts(bad),
      'host/default/a.example': host([route({ class: ON_503 })]),
      'host/default/b.example': host([route({ class: ON_503, backend: 'bad' })]),
    })
    for (let i = 0; i < 4; i += 1) assert.equal((await ask(http)).text, 'good')
    const last = await ask(http, { host: 'b.example' })
    assert.deepEqual([last.status, last.text], [503, 'sorry'])
  })

  test('retries are a share of the requests, however bad it is', async (t) => {
    const { plane, http } = await serve(t, setup)
    const bad = await several(t, 3, resetsAfter(''))
    await plane.put({
      'setting/global': setting({ percent: 20, min_per_second: 0 }),
      'backend/test/web/80': toPorts(...bad),
      'host/default/a.example': host([route()]),
    })
    for (let i = 0; i < 100; i += 1) assert.equal((await ask(http)).status, 502)
    const retries = sum(bad) - 100
    assert.ok(retries >= 10 && retries <= 20, `${retries} retries for 100 requests`)
    const counted = await counts(plane)
    assert.deepEqual([counted['retries'], (counted['retry_budget_exhausted'] ?? 0) >= 80], [retries, true])
  })

  test('a Service with little traffic has its retries, too', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [bad, good] = [await peer(t, resetsAfter('')), await peer(t, answers('good'))]
    await plane.put({
      'setting/global': withDigest({ ejection: NO_EJECTION }),
      'backend/test/web/80': toPorts(bad, good),
      'host/default/a.example': host([route()]),
    })
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http)).text, 'good')
    assert.equal((await counts(plane))['retry_budget_exhausted'], 0)
  })
})

/** Seconds: more than a good endpoint needs on a busy machine. */
const READ = 3

// It waits for that.
everyVariant('retries after a timeout', (setup) => {
  test('an endpoint that timed out is not waited for again', async (t) => {
    const { plane, http } = await serve(t, { ...setup, workers: 1 })
    const [slow, good] = [await peer(t, keepsSilent), await peer(t, answers('good'))]
    await plane.put({
      'setting/global': setting(),
      'backend/test/web/80': toPorts(slow, good),
      'host/default/a.example': host([route({ policies: { timeouts: { read: READ } } })]),
    })
    for (let i = 0; i < 2; i += 1) assert.equal((await ask(http)).text, 'good')
    assert.ok(slow.requests >= 1 && good.requests === 2)
  })
})
