import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test, type TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { DataRecord, RecordKey } from '../dynamic/records.ts'
import { isLocalHost, isLoopback } from './loopback.ts'
import { AdminError, startAdmin, type AdminOptions } from './server.ts'
import { explain } from '../explain/explain.ts'
import type { AdminViews } from './views.ts'

const KEY = '-----BEGIN PRIVATE KEY----- secret'
const RECORDS = new Map<RecordKey, DataRecord>([
  ['host/default/api.domain.com', {
    digest: '1',
    certificate: 'certificate/shop/tls',
    routes: [{
      path: '/userInfo',
      pathType: 'Prefix',
      backends: [{ backend: 'backend/shop/account-user/http', weight: 1 }],
      policies: { unregistered: { text: KEY } },
      origin: { kind: 'Ingress', namespace: 'shop', name: 'api', service: 'account-user', port: 'http' },
    }],
  }],
  ['host/default/_', { digest: '2', routes: [] }],
  ['backend/shop/account-user/http', { digest: '3', endpoints: [['198.18.0.7', 8080], ['2001:db8::7', 8080]] }],
  ['certificate/shop/tls', { digest: '4', chain: 'chain', key: KEY }],
  ['htpasswd/shop/users', { digest: '5', users: { [KEY]: KEY } }],
])

const VIEWS: AdminViews = {
  notReady: () => [],
  records: () => RECORDS,
  isApplied: (key) => key.startsWith('backend/'),
  explain: async (request) => explain(request, { records: RECORDS, notes: () => [], findings: [] }),
  config: async () => 'worker_processes 1;\n',
  status: async () => ({ version: '1', ready: true, reasons: [], records: 4, findings: 0 }),
  findings: () => [],
  streams: () => ({ endpointsBy: 'records', ports: [], passthrough: [] }),
  generations: () => [
    {
      generation: 2, hash: 'ab', loadedAt: '2026-01-31T12:00:00Z', servingMs: 5, durationMs: 7, reloaded: true, classes: [],
      causes: [{ kind: 'start', message: 'the first' }], diff: '',
    },
  ],
}

const away = async (): Promise<never> => {
  throw new Error('OpenResty is away')
}
const AWAY = { metrics: away, processes: away, requests: away }

async function start(t: TestContext, options: Partial<AdminOptions> = {}): Promise<number> {
  const metrics = { registry: new Registry(), dataPlane: AWAY, labels: {}, requests: undefined }
  const admin = await startAdmin({
    host: '127.0.0.1', port: 0, healthCheckPath: '/healthz', views: VIEWS, metrics, ...options,
  })
  t.after(() => admin.close())
  return admin.port
}

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly body: string
}

interface Asked {
  readonly port: number
  readonly path: string
  readonly address?: string
  readonly host?: string
  readonly method?: string
}

async function ask({ port, path, address = '127.0.0.1', host, method = 'GET' }: Asked): Promise<Answer> {
  const headers = host === undefined ? {} : { host }
  const sent = request({ host: address, port, path, method, headers, agent: false }).end()
  const [response] = await once(sent, 'response')
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode, type: response.headers['content-type'], body }
}

test('alive: 200, under the path of --health-check-path', async (t) => {
  const port = await start(t, { healthCheckPath: '/alive' })
  assert.deepEqual(await ask({ port, path: '/alive' }), { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' })
  assert.equal((await ask({ port, path: '/healthz' })).status, 404)
})

test('ready: 200, or 503 with every reason', async (t) => {
  const reasons = ['not every kind has been listed yet', 'OpenResty is away']
  const port = await start(t, { views: { ...VIEWS, notReady: () => reasons } })
  const answer = await ask({ port, path: '/readyz' })
  assert.equal(answer.status, 503)
  assert.equal(answer.body, `${reasons.join('\n')}\n`)
  reasons.length = 0
  assert.equal((await ask({ port, path: '/readyz' })).status, 200)
})

test('routes: what leads where, without secrets; one host on demand', async (t) => {
  const port = await start(t)
  const { body } = await ask({ port, path: '/v1/routes' })
  assert.deepEqual(JSON.parse(body), {
    routes: [{
      host: 'api.domain.com',
      path: '/userInfo',
      pathType: 'Prefix',
      origin: { kind: 'Ingress', namespace: 'shop', name: 'api' },
      backends: [{
        namespace: 'shop',
        service: 'account-user',
        port: 'http',
        weight: 1,
        endpoints: ['198.18.0.7:8080', '[2001:db8::7]:8080'],
      }],
      policies: ['unregistered'],
      certificate: 'shop/tls',
    }],
  })
  assert.equal(body.includes('PRIVATE KEY'), false)
  assert.deepEqual(JSON.parse((await ask({ port, path: '/v1/routes?host=other' })).body), { routes: [] })
  assert.equal(JSON.parse((await ask({ port, path: '/v1/routes?host=api.domain.com' })).body).routes.length, 1)
})

test('findings and generations', async (t) => {
  const finding = {
    origin: { kind: 'Ingress', namespace: 'a', name: 'b', field: 'spec' },
    severity: 'error',
    reason: 'Bad',
    message: 'bad',
  } as const
  const port = await start(t, { views: { ...VIEWS, findings: () => [finding] } })
  assert.deepEqual(JSON.parse((await ask({ port, path: '/v1/findings' })).body), { findings: [finding] })
  const { generations } = JSON.parse((await ask({ port, path: '/v1/generations' })).body)
  assert.equal(generations[0].generation, 2)
})

test('a request explained, the records, the configuration, the status: without secrets', async (t) => {
  const port = await start(t)
  const url = encodeURIComponent('http://api.domain.com/userInfo?x=1')
  const explained = await ask({ port, path: `/v1/explain?url=${url}&header=${encodeURIComponent('X-A: b')}&method=POST` })
  const { outcome, route } = JSON.parse(explained.body)
  assert.equal(outcome, 'sent to an endpoint')
  assert.deepEqual(route.policies, [{ name: 'unregistered', value: '[redacted]', setBy: {} }])
  const records = await ask({ port, path: '/v1/records' })
  const views = JSON.parse(records.body).records as { key: string; applied: boolean }[]
  assert.deepEqual(views.map(({ key, applied }) => [key, applied]), [
    ['backend/shop/account-user/http', true],
    ['certificate/shop/tls', false],
    ['host/default/_', false],
    ['host/default/api.domain.com', false],
    ['htpasswd/shop/users', false],
  ])
  assert.equal(JSON.parse((await ask({ port, path: '/v1/records?prefix=backend/' })).body).records.length, 1)
  for (const { body } of [explained, records]) assert.equal(body.includes('PRIVATE KEY'), false)
  assert.deepEqual(await ask({ port, path: '/v1/config' }), {
    status: 200, type: 'text/plain; charset=utf-8', body: 'worker_processes 1;\n',
  })
  assert.equal(JSON.parse((await ask({ port, path: '/v1/status' })).body).ready, true)
})

test('what cannot be explained is said, and what is away', async (t) => {
  const port = await start(t, { views: { ...VIEWS, config: away } })
  for (const query of ['', 'url=nothing', 'url=http://a.example&method=x', 'url=http://a.example&header=x']) {
    const path = `/v1/explain?${query}`
    const { status, body } = await ask({ port, path })
    assert.equal(status, 400, path)
    assert.match(JSON.parse(body).message, /such as|say which URL/)
  }
  assert.equal((await ask({ port, path: '/v1/config' })).status, 503)
})

test('/v1 answers to this machine only; health and metrics to all', async (t) => {
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const other = others.find(({ internal, family }) => !internal && family === 'IPv4')
  if (other === undefined) {
    t.skip('this machine has no address beside loopback')
    return
  }
  const port = await start(t, { host: '' })
  const { address } = other
  for (const name of ['routes', 'findings', 'generations', 'config', 'records', 'status', 'explain', 'unknown']) {
    assert.equal((await ask({ port, path: `/v1/${name}`, address, host: 'localhost' })).status, 403, name)
  }
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await ask({ port, path, address })).status, 200, path)
  }
  // Over IPv4 a socket that listens on `::` shows mapped addresses.
  assert.equal((await ask({ port, path: '/v1/routes' })).status, 200)
})

test('a web page under its own name gets nothing of /v1', async (t) => {
  const port = await start(t)
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example']) {
    assert.equal((await ask({ port, path: '/v1/routes', host })).status, 403, host)
  }
  for (const host of ['localhost', `LOCALHOST:${port}`, `127.0.0.1:${port}`, '[::1]:80']) {
    assert.equal((await ask({ port, path: '/v1/routes', host })).status, 200, host)
  }
})

test('what counts as loopback', () => {
  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address), address)
  for (const address of ['198.18.0.1', '::2', '::ffff:198.18.0.1', '0.0.0.0', '::', '', undefined]) {
    assert.equal(isLoopback(address), false, address)
  }
  assert.equal(isLocalHost('[::ffff:127.0.0.1]:1'), true)
  for (const header of ['[::1', '', undefined]) assert.equal(isLocalHost(header), false)
})

test('only reading: other methods, bodies and long headers are refused', async (t) => {
  const port = await start(t)
  assert.equal((await ask({ port, path: '/healthz', method: 'POST' })).status, 404)
  assert.equal((await ask({ port, path: '/v1/routes', method: 'DELETE' })).status, 404)
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(9000)}\r\n\r\n`)
  const [head] = await once(socket, 'data')
  assert.match(String(head), /^HTTP\/1\.1 431 /)
  socket.destroy()
})

test('an error inside tells nothing', async (t) => {
  const fail = (): never => {
    throw new Error(KEY)
  }
  const port = await start(t, { views: { ...VIEWS, findings: fail } })
  const { status, body } = await ask({ port, path: '/v1/findings' })
  assert.equal(status, 500)
  assert.equal(body, '{"message":"internal error"}')
})

test('what cannot start says why', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const reasons: [Partial<AdminOptions>, RegExp][] = [
    [{ port }, new RegExp(`port ${port} of 127.0.0.1 is in use; .*--healthz-port`)],
    [{ host: '198.51.100.1' }, /--healthz-host 198\.51\.100\.1 is no address of this machine/],
    [{ healthCheckPath: '/metrics' }, /--health-check-path/],
    [{ healthCheckPath: '/:any' }, /--health-check-path/],
    [{ healthCheckPath: 'healthz' }, /--health-check-path/],
  ]
  for (const [options, message] of reasons) {
    await assert.rejects(start(t, options), (error) => error instanceof AdminError && message.test(error.message))
  }
})
