/** How requests are counted: by the labels of ingress-nginx, in bounded memory, and how busy series are sampled. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseRequestSeries, SERIES_LABELS, type RequestSeries } from '../../../sidecar/metrics/request-series.ts'
import { ControlClient } from '../../../sidecar/dataplane/client.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { ask, raw, statusAtEnd, type Ask } from './client.ts'
import { everySetup, freePort, serve, until, type DataPlane, type Served, type Setup } from './harness.ts'

type Label = (typeof SERIES_LABELS)[number]

const BOUNDS = 'time = {0.005, 0.02, 60}, length = {10, 100, 1000}, size = {100, 1000}'
/** Clocks of two processes, and timers that are early, differ by less than half of it. */
const HANG_MS = 60
const COUNTING = `{ ${BOUNDS}, per_host = true }`

async function read(plane: DataPlane): Promise<RequestSeries> {
  const client = new ControlClient(`${plane.folder}/control.sock`)
  const series = await parseRequestSeries(await client.requests())
  await client.close()
  assert.ok(series !== undefined)
  return series
}

/** Requests by some of the labels, those of equal labels added up. */
async function counts(plane: DataPlane, ...names: readonly Label[]): Promise<Record<string, number>> {
  const { layout, series } = await read(plane)
  const result: Record<string, number> = {}
  for (const { labels, numbers } of series) {
    const key = names.map((name) => labels[SERIES_LABELS.indexOf(name)]).join(' ')
    result[key] = (result[key] ?? 0) + (numbers[layout.requests] ?? 0)
  }
  return result
}

interface Histogram {
  /** Not cumulated. */
  readonly buckets: readonly number[]
  readonly sum: number
}

/** A histogram of all series together. */
async function histogram(plane: DataPlane, name: string): Promise<Histogram> {
  const { layout, series } = await read(plane)
  const of = layout.histograms.find((one) => one.name === name)
  assert.ok(of !== undefined, name)
  const total = (at: number): number => series.reduce((sum, { numbers }) => sum + (numbers[at] ?? 0), 0)
  return { buckets: [...of.bounds, Infinity].map((_, i) => total(of.first + i)), sum: total(of.sum) * of.scale }
}

/** The histogram once it has so many values. */
async function histogramOf(count: number, plane: DataPlane, name: string): Promise<Histogram> {
  return until(`${count} values of ${name}`, async () => {
    const found = await histogram(plane, name)
    return found.buckets.reduce((a, b) => a + b) === count ? found : undefined
  })
}

/** Those without a body are counted when it resolves; others: `histogramOf`. */
async function repeat(count: number, http: string, what: Ask, status: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    assert.equal(what.body === undefined ? await statusAtEnd(http, what) : (await ask(http, what)).status, status)
  }
}

interface Stand extends Served {
  readonly web: readonly [string, number]
}

async function stand(t: TestContext, setup: Setup, options: Parameters<typeof serve>[2] = {}): Promise<Stand> {
  const served = await serve(t, setup, { counting: COUNTING, ...options })
  const web = await backend(t, 'web')
  return { ...served, web: ['127.0.0.1', web.port] }
}

everySetup('metrics', (setup) => {
  test('each request counts once, by host, Ingress and status', async (t) => {
    const { plane, http, web } = await stand(t, setup)
    await plane.put({
      'host/default/a.example': host([
        route({ path: '/app' }), route({ path: '/down', backend: 'down' }), route({ path: '/none', backend: 'none' }),
        route({ path: '/closed', closed: 'not understood' }), route({ path: '/tls', policies: { tls_redirect: { code: 308, port: 443 } } }),
        route({ path: '/watched', policies: { load_balance: { algorithm: 'least_request' } } }),
      ]),
      'host/default/*.b.example': host([route()]),
      'backend/test/web/80': endpoints(web),
      'backend/test/down/80': endpoints(['127.0.0.1', await freePort()]),
    })
    await repeat(8, http, { path: '/app' }, 200)
    await repeat(2, http, { path: '/app', method: 'POST', body: 'x' }, 200)
    await repeat(2, http, { path: '/down' }, 502)
    await repeat(2, http, { path: '/none' }, 503)
    await repeat(2, http, { path: '/closed' }, 503)
    await repeat(2, http, { path: '/tls' }, 308)
    await repeat(5, http, { path: '/watched' }, 200)
    await repeat(3, http, { path: '/' }, 404)
    await repeat(3, http, { host: 'x.b.example' }, 200)
    await repeat(3, http, { host: 'c.example' }, 404)
    await histogramOf(29, plane, 'request_size')
    assert.deepEqual(await counts(plane, 'host', 'ingress', 'service', 'path', 'method', 'status'), {
      'a.example demo web /app GET 200': 8,
      'a.example demo web /app POST 200': 2,
      'a.example demo down /down GET 502': 2,
      'a.example demo none /none GET 503': 2,
      'a.example demo web /closed GET 503': 2,
      'a.example demo web /tls GET 308': 2,
      'a.example demo web /watched GET 200': 5,
      'a.example    GET 404': 3,
      '*.b.example demo web / GET 200': 3,
    })
    assert.deepEqual(plane.errors().filter((line) => !line.includes('connect() failed')), [])
  })

  test('nothing is lost when workers are replaced or killed', async (t) => {
    const { plane, fixture, http, web } = await stand(t, setup)
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    await repeat(20, http, {}, 200)
    assert.equal((await plane.configure({ ...fixture, salt: 'another' })).status, 200)
    await repeat(20, http, {}, 200)
    for (const { pid } of (await plane.status()).workers) {
      process.kill(pid, 'SIGKILL')
      await until('a worker in its place', async () => {
        const status = await plane.status().catch(() => undefined)
        return status?.workers.length === status?.worker_count && status?.workers.every((worker) => worker.pid !== pid)
      })
    }
    await repeat(20, http, {}, 200)
    assert.deepEqual(await counts(plane, 'status'), { 200: 60 })
    assert.equal((await histogram(plane, 'request_duration_seconds')).buckets.reduce((a, b) => a + b), 60)
  })

  test('durations and sizes fall into their buckets', async (t) => {
    const { plane, http } = await serve(t, setup, { counting: COUNTING })
    const slow = await backend(t, 'slow', (request, response) => {
      request.resume()
      request.on('end', () => void sleep(request.url === '/slow' ? HANG_MS : 0).then(() => response.end('y'.repeat(2000))))
    })
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(slow) })
    await repeat(2, http, { path: '/slow' }, 200)
    for (const name of ['request_duration_seconds', 'response_duration_seconds', 'header_duration_seconds']) {
      const { buckets, sum } = await histogram(plane, name)
      assert.deepEqual(buckets, [0, 0, 2, 0], name)
      assert.ok(sum >= HANG_MS / 1000 && sum < 60, `${name}: ${sum}`)
    }
    await repeat(1, http, { method: 'POST', body: 'z'.repeat(5000) }, 200)
    const requests = await histogramOf(3, plane, 'request_size')
    assert.deepEqual([requests.buckets[0], requests.buckets[3]], [0, 1])
    assert.ok(requests.sum > 5000 && requests.sum < 6500, `${requests.sum}`)
    const answers = await histogramOf(3, plane, 'bytes_sent')
    assert.deepEqual(answers.buckets, [0, 0, 3])
    assert.ok(answers.sum > 6000 && answers.sum < 8000, `${answers.sum}`)
    assert.equal((await histogramOf(3, plane, 'response_size')).sum, answers.sum)
  })

  test('the times of several tries add up, and a request without a backend has none', async (t) => {
    const { plane, http, web } = await stand(t, setup)
    const hangs = createServer((socket) => void sleep(HANG_MS).then(() => socket.destroy())).listen(0, '127.0.0.1')
    await once(hangs, 'listening')
    t.after(() => hangs.close())
    const address = hangs.address() as { readonly port: number }
    await plane.put({
      'host/default/a.example': host([route({ path: '/two' })]),
      'backend/test/web/80': endpoints(web, ['127.0.0.1', address.port]),
    })
    await repeat(4, http, { path: '/two' }, 200)
    await repeat(3, http, { path: '/' }, 404)
    const { buckets, sum } = await histogram(plane, 'response_duration_seconds')
    assert.equal(buckets.reduce((a, b) => a + b), 4)
    assert.ok((buckets[2] ?? 0) >= 1 && sum >= HANG_MS / 2000, `${buckets.join(' ')}: ${sum}`)
    assert.equal((await histogram(plane, 'request_duration_seconds')).buckets.reduce((a, b) => a + b), 7)
  })

  test('a canary has the labels of its main route, and its own name beside', async (t) => {
    const { plane, http, web } = await stand(t, setup)
    const arm = {
      backend: 'backend/test/next/80', weight: 0, header: { name: 'x-canary' }, policies: {},
      origin: { kind: 'Ingress', namespace: 'test', name: 'canary', service: 'next', port: '80' },
    }
    const main = { ...route(), canaries: [arm], canary: { total: 100, sticky: false } }
    await plane.put({
      'host/default/a.example': host([main]), 'backend/test/web/80': endpoints(web), 'backend/test/next/80': endpoints(web),
    })
    await repeat(3, http, {}, 200)
    await repeat(2, http, { headers: { 'x-canary': 'always' } }, 200)
    assert.deepEqual(await counts(plane, 'ingress', 'service', 'canary'), { 'demo web ': 3, 'demo web test-next-80': 2 })
  })

  test('series go with their host or route, and begin at 0 when it comes back', async (t) => {
    const { plane, http, web } = await stand(t, setup)
    const both = {
      'host/default/a.example': host([route({ path: '/one' }), route({ path: '/two' })]),
      'host/default/b.example': host([route()]), 'backend/test/web/80': endpoints(web),
    }
    await plane.put(both)
    await repeat(3, http, { path: '/one' }, 200)
    await repeat(3, http, { path: '/two' }, 200)
    await repeat(3, http, { host: 'b.example' }, 200)
    await plane.put({ 'host/default/a.example': host([route({ path: '/two' })]), 'backend/test/web/80': endpoints(web) })
    assert.deepEqual(await counts(plane, 'host', 'path'), { 'a.example /two': 3 })
    await plane.put(both)
    await repeat(1, http, { path: '/one' }, 200)
    await repeat(2, http, { host: 'b.example' }, 200)
    assert.deepEqual(await counts(plane, 'host', 'path'), { 'a.example /one': 1, 'a.example /two': 3, 'b.example /': 2 })
  })

  test('methods and statuses of a route take no more than its share of the room', async (t) => {
    const { plane, http } = await stand(t, setup)
    let status = 200
    const strange = await backend(t, 'strange', (_, response) => { response.writeHead(status).end() })
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(strange) })
    for (; status < 400; status += 1) await repeat(1, http, {}, status)
    const labels = await counts(plane, 'host', 'status')
    const own = Object.keys(labels).filter((name) => name.startsWith('a.example'))
    assert.equal(own.length, 128)
    assert.equal(labels['_other 3xx'], 72)
  })

  test('without room for one more series, requests count in _other; room is used again', async (t) => {
    const { plane, http, web } = await stand(t, setup, { env: { RESTY_INGRESS_METRICS_SIZE: '64k' } })
    const names = Array.from({ length: 300 }, (_, i) => `host-${i}.example`)
    const records = (of: readonly string[]): Record<string, unknown> => ({
      ...Object.fromEntries(of.map((name) => [`host/default/${name}`, host([route()])])), 'backend/test/web/80': endpoints(web),
    })
    await plane.put(records(names))
    for (const name of names) await repeat(1, http, { host: name }, 200)
    const full = await counts(plane, 'host', 'status')
    assert.ok((full['_other 2xx'] ?? 0) > 0, JSON.stringify(full))
    assert.equal(Object.values(full).reduce((a, b) => a + b), names.length)
    const last = names.at(-1) ?? ''
    await plane.put(records([last]))
    await read(plane)
    await repeat(2 * setup.workers, http, { host: last }, 200)
    assert.deepEqual(await counts(plane, 'host'), { _other: full['_other 2xx'], [last]: 2 * setup.workers })
    assert.deepEqual(plane.errors(), [])
  })
})

/** Requests that are sent in one go; all of one size. */
const BURST = 1000
const REQUEST = 'GET /none HTTP/1.1\r\nHost: a.example\r\nConnection: a-b-c\r\n\r\n'
/** lua/ingress/metrics/sampling.lua */
const GROUP = 16

async function bursts(count: number, http: string): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const text = await raw(http, REQUEST.repeat(BURST - 1) + REQUEST.replace('a-b-c', 'close'))
    assert.equal(text.split('HTTP/1.1 404').length - 1, BURST)
  }
}

/** A client may see the end of an answer before NGINX logs it. */
async function counted(plane: DataPlane, requests: number): Promise<void> {
  await until('all requests are counted', async () => ((await counts(plane, 'status'))['404'] ?? 0) >= requests)
}

everySetup('metrics of busy series', (setup) => {
  test('requests are counted exactly, over a reload, too; durations and sizes by what a sample stands for', async (t) => {
    const counting = `{ ${BOUNDS}, per_host = true, sampling = true }`
    const { plane, fixture, http } = await stand(t, setup, { counting })
    await plane.put({ 'host/default/a.example': host([route({ path: '/app' })]), 'backend/test/web/80': endpoints() })
    const begin = Date.now()
    await bursts(2, http)
    assert.equal((await plane.configure({ ...fixture, salt: 'another' })).status, 200)
    await bursts(2, http)
    const seconds = Math.ceil((Date.now() - begin) / 1000) + 1
    await counted(plane, 4 * BURST)
    assert.deepEqual(await counts(plane, 'host', 'status'), { 'a.example 404': 4 * BURST })
    for (const name of ['request_duration_seconds', 'request_size', 'bytes_sent']) {
      const count = (await histogram(plane, name)).buckets.reduce((a, b) => a + b)
      assert.ok(Math.abs(count - 4 * BURST) < GROUP * 2 * setup.workers * seconds, `${name}: ${count}`)
    }
    const { buckets, sum } = await histogram(plane, 'request_size')
    assert.equal(sum, REQUEST.length * buckets.reduce((a, b) => a + b))
  })

  test('without sampling, each request is measured', async (t) => {
    const { plane, http } = await stand(t, setup)
    await plane.put({ 'host/default/a.example': host([route({ path: '/app' })]), 'backend/test/web/80': endpoints() })
    await bursts(2, http)
    await counted(plane, 2 * BURST)
    assert.deepEqual(await histogramOf(2 * BURST, plane, 'request_size'), { buckets: [0, 2 * BURST, 0, 0], sum: REQUEST.length * 2 * BURST })
  })
})

everySetup('metrics with flags', (setup) => {
  test('status classes, and no hosts', async (t) => {
    const { plane, http, web } = await stand(t, setup, { counting: `{ ${BOUNDS}, status_classes = true }` })
    await plane.put({
      'host/default/a.example': host([route({ path: '/a' })]), 'host/default/b.example': host([route({ path: '/a' })]),
      'backend/test/web/80': endpoints(web),
    })
    await repeat(2, http, { path: '/a' }, 200)
    await repeat(3, http, { path: '/a', host: 'b.example' }, 200)
    await repeat(1, http, { path: '/', host: 'b.example' }, 404)
    assert.deepEqual(await counts(plane, 'host', 'path', 'status'), { ' /a 2xx': 5, '  4xx': 1 })
  })

  test('hosts that nobody defined, as far as there are few', async (t) => {
    const counting = `{ ${BOUNDS}, per_host = true, undefined_hosts = true }`
    const { plane, http, web } = await stand(t, setup, { counting })
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    await repeat(2, http, {}, 200)
    await repeat(1, http, { host: 'u.example' }, 404)
    assert.deepEqual(await counts(plane, 'host', 'status'), { 'a.example 200': 2, 'u.example 404': 1 })
    await plane.put({ 'host/default/_': host([route()]), 'backend/test/web/80': endpoints(web) })
    await repeat(2, http, { host: 'u.example' }, 200)
    const { 'u.example 200': served } = await counts(plane, 'host', 'status')
    assert.equal(served, 2)
  })
})

everySetup('processes', (setup) => {
  test('what NGINX uses, and its connections', async (t) => {
    const { plane, http, web } = await stand(t, setup)
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    const before = await processes(plane)
    await repeat(5, http, {}, 200)
    const after = await until('the workers of the configuration before have ended', async () => {
      const now = await processes(plane)
      return now.processes.count === 1 + setup.workers && now
    }) as Processes
    assert.ok((after.requests ?? 0) >= (before.requests ?? 0) + 5)
    assert.ok((after.connections.accepted ?? 0) >= (before.connections.accepted ?? 0) + 5)
    for (const name of ['cpu_seconds', 'virtual_bytes', 'resident_bytes', 'oldest_start_time']) {
      assert.ok((after.processes[name] ?? 0) > 0, name)
    }
    assert.ok(Math.abs((after.processes.oldest_start_time ?? 0) - Date.now() / 1000) < 600)
  })
})

interface Processes {
  readonly processes: Readonly<Record<string, number>>
  readonly connections: Readonly<Record<string, number>>
  readonly requests?: number
}

async function processes(plane: DataPlane): Promise<Processes> {
  return (await plane.call('GET', '/v1/processes')).body as unknown as Processes
}

