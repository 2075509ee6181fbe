/** Whatever comes to the control socket gets an answer or the end of its connection; no worker ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fc } from '../../../sidecar/testing/property.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { ask } from './client.ts'
import { everyVariant, serve, type DataPlane, type Served, type Variant } from './harness.ts'

const SEED = 20_260_102
const RUNS = 400
const KEY = 'host/default/a.example'

interface Rig extends Served {
  /** The answer to bytes that are sent as they are; after them nothing comes. */
  send(bytes: string | Buffer): Promise<string>
  /** Fails unless the workers are those from before, and take what is right. */
  alive(): Promise<void>
}

async function rig(t: TestContext, variant: Variant): Promise<Rig> {
  const served = await serve(t, { variant, workers: 2, reloaded: false })
  const { plane, http } = served
  const right = { [KEY]: host([route()]), 'backend/test/web/80': endpoints(await backend(t, 'web')) }
  await plane.put(right)
  const before = await processes(plane)
  const send = async (bytes: string | Buffer): Promise<string> => {
    const socket = connect({ path: join(plane.folder, 'control.sock'), allowHalfOpen: false })
    let text = ''
    socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') }).on('error', () => socket.destroy())
    socket.end(bytes, 'latin1' as BufferEncoding)
    await once(socket, 'close')
    return text
  }
  const alive = async (): Promise<void> => {
    assert.deepEqual(await processes(plane), before)
    await plane.put(right)
    assert.equal((await ask(http)).status, 200)
    assert.deepEqual(plane.errors().filter((line) => /\[(alert|emerg|crit)\]|lua/.test(line)), [])
  }
  return { ...served, send, alive }
}

async function processes(plane: DataPlane): Promise<unknown> {
  const { workers, generation, config_hash: config } = await plane.status()
  return { pids: workers.map(({ pid }) => pid).sort(), generation, config }
}

function request(method: string, path: string, body = '', headers: readonly string[] = []): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: control', `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...headers]
  return `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`
}

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth)
const record = JSON.stringify(host([route({ path: '/other' })]))
const strange = ['null', '1', '-1', '1e999', 'true', '"x"', '[]', '[[]]', '{}', '{"a":1}', '"\\ud800"', '"\\u0000"', '1.5', '99999999999999999999']

/** Bodies that are JSON, or nearly, and no records. */
const BODIES: readonly string[] = [
  '', ' ', '{', '}', '\0', '\xff\xfe', '\xef\xbb\xbf{}', '{"set"', '{"set":', '{"set":{}', "{'set':{}}", '{"set":{},}', '{"set":{}}x', '{"set":{}}\0', 'NaN',
  ...strange.map((value) => `{"base":0,"set":${value}}`),
  ...strange.map((value) => `{"set":{"${KEY}":${value}}}`),
  ...strange.map((value) => `{"set":{"${KEY}":{"digest":${value},"routes":[]}}}`),
  ...strange.map((value) => `{"base":${value},"set":{"${KEY}":${record}},"delete":["${KEY}"]}`),
  ...strange.map((value) => `{"base":1,"delete":${value}}`),
  ...strange.map((value) => `{"base":1,"delete":[${value}]}`),
  nested('[', ']', 200_000), nested('{"a":', '}', 100_000), `{"set":${nested('[', ']', 5000)}}`,
  `{"set":{"${KEY}":{"digest":"x","routes":${nested('[', ']', 900)}}}}`, `{"base":1,"set":{"${'k'.repeat(1_000_000)}":${record}}}`,
  `{"base":1,"set":{"host/default/${'a.'.repeat(5000)}example":${record}}}`, `{"base":1,"set":{"../../etc/passwd":${record}}}`,
  `{"base":1,"set":{"${Array.from({ length: 20_000 }, (_, i) => `k${i}":1,"`).join('')}z":1}}`, `{"base":1,"delete":[${'"x",'.repeat(100_000)}"x"]}`,
]

/** Requests that are none, or that lie about their length. */
const FRAMES: readonly string[] = [
  '\r\n', '\0\0\0\0', 'GET', 'GET /v1/status', 'GET /v1/status\r\n', 'GET /v1/status HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: c\r\n\r\n`, `GET / HTTP/1.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}\r\n`, 'PUT /v1/records HTTP/1.1\r\nHost: c\r\nContent-Length: 100\r\n\r\n{"set":{}}',
  'PUT /v1/records HTTP/1.1\r\nHost: c\r\nContent-Length: 999999999999\r\n\r\n{"set":{}}', 'PUT /v1/records HTTP/1.1\r\nHost: c\r\nContent-Length: -1\r\n\r\n{"set":{}}',
  'PUT /v1/records HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{"set":{}}', 'PUT /v1/records HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{"set"',
  'PUT /v1/records HTTP/1.1\r\nHost: c\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n{"set":{}}',
]

const PATHS = ['/', '/v1', '/v1/', '/v2/status', '/v1/records/', `/v1/records/${'x'.repeat(5000)}`, '/v1/records/%00', '/v1/records/..%2f..', '/v1/../v1/status/x', '/v1/config/x', '//', '/v1/status%0d%0a']
const METHODS = ['DELETE', 'POST', 'TRACE', 'OPTIONS', 'HEAD', 'CONNECT', 'PROPFIND', 'put']

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
}

/** No error of ours; what is wrong with the request is told in JSON, unless NGINX itself cannot read it. */
function assertAnswer(answer: string, what: string): void {
  const status = statusOf(answer)
  assert.ok(status < 500 || status === 501 || status === 505, `${status} for ${what.slice(0, 80)}`)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  if (status >= 400 && body !== '' && /application\/json/i.test(head)) assertMessage(status, body)
}

function assertMessage(status: number, body: string): void {
  const { message, revision } = JSON.parse(body) as { readonly message?: unknown; readonly revision?: unknown }
  assert.equal(typeof (status === 409 ? revision : message), status === 409 ? 'number' : 'string', body)
}

everyVariant('hostile control', ({ variant }) => {
  test('bodies and requests that are none', async (t) => {
    const { send, alive } = await rig(t, variant)
    for (const body of BODIES) {
      for (const method of ['PATCH', 'PUT']) assertAnswer(await send(request(method, '/v1/records', body)), `${method} ${body}`)
    }
    await alive()
  })

  test('frames, paths and methods that are none', async (t) => {
    const { send, alive } = await rig(t, variant)
    for (const bytes of FRAMES) {
      const answer = await send(bytes)
      if (answer.startsWith('HTTP/1.1')) assertAnswer(answer, bytes)
    }
    for (const path of PATHS) assertAnswer(await send(request('GET', path)), path)
    for (const method of METHODS) {
      for (const path of ['/v1/records', '/v1/config', '/v1/status']) assertAnswer(await send(request(method, path, '{"set":{}}')), `${method} ${path}`)
    }
    for (const name of ['', 'x', '..%2fnginx.conf', '%2e%2e/nginx.conf', '../nginx.conf', `${'0'.repeat(64)}.pem`, `${'0'.repeat(64)}.pem%00`, 'x'.repeat(5000)]) {
      for (const body of ['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', '\0'.repeat(2_000_000)]) {
        const answer = await send(request('PUT', `/v1/files/${name}`, body))
        assert.ok([400, 404, 413, 414].includes(statusOf(answer)), `${name} ${answer.slice(0, 80)}`)
      }
    }
    for (const config of ['', '\0', '}', 'events {', 'x'.repeat(100_000), 'user root;\n'.repeat(10_000), 'load_module /tmp/none.so;', '"'.repeat(4097)]) {
      const answer = await send(request('PUT', '/v1/config', config))
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, config.slice(0, 40))
      assertAnswer(answer, config)
    }
    await alive()
  })

  test('requests with bytes changed, many at a time', async (t) => {
    const { send, alive } = await rig(t, variant)
    const rights = [
      request('GET', '/v1/status'), request('GET', `/v1/records/${KEY}`), request('GET', '/v1/metrics'),
      request('PATCH', '/v1/records', '{"base":99,"set":{},"delete":[]}'), request('PUT', '/v1/records', '{"set":{"x":{}}, "y":'),
    ]
    const change = fc.tuple(fc.constantFrom(...rights), fc.nat({ max: 400 }), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat({ max: 3 }))
      .map(([text, at, bytes, gone]) => text.slice(0, at % text.length) + bytes + text.slice((at % text.length) + gone))
    const all = fc.sample(change, { seed: SEED, numRuns: RUNS })
    for (let i = 0; i < all.length; i += 20) {
      const answers = await Promise.all(all.slice(i, i + 20).map(send))
      for (const answer of answers) assert.ok(answer === '' || /^HTTP\/1\.1 [2-5]\d\d |^[^H]/.test(answer), answer.slice(0, 80))
    }
    await alive()
  })

  test('several requests in one go, and pushes that contradict each other', async (t) => {
    const { plane, send, alive } = await rig(t, variant)
    const status = 'GET /v1/status HTTP/1.1\r\nHost: c\r\n\r\n'
    assert.equal((await send(status.repeat(50) + request('GET', '/v1/none'))).match(/HTTP\/1\.1 (200|404) /g)?.length, 51)
    await alive()
    const set = (path: string): string => JSON.stringify({ base: 1, set: { [KEY]: host([route(), route({ path })]) } })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => send(request('PATCH', '/v1/records', set(`/${i}`)))))
    const statuses = answers.map(statusOf)
    assert.deepEqual(statuses.toSorted(), [200, ...Array.from({ length: 39 }, () => 409)])
    assert.equal((await plane.status()).revision, 2)
  })
})
