/** Peers that break the rules: what the client sees, and that it sees it (docs/resilience.md, "Faulty peers"). */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, test, type TestContext } from 'node:test'
import { endpoints, host, route, withDigest } from './backends.ts'
import { ask, raw } from './client.ts'
import { freePort, serve, until, variants, type DataPlane, type Json, type Served, type Variant } from './harness.ts'
import { answers, keepsSilent, peer, resetsAfter, says, trickles, type Behaviour } from './peers.ts'

const INVALID_HEADER = 'c00000000001'
/** Time limits of the routes that need one, in seconds: more than a good peer needs on a busy machine. */
const LIMIT = 3
/** Milliseconds in which an answer must be there: far more than a few tries take, far less than by the defaults. */
const PATIENCE = 20_000

const OK = 'HTTP/1.1 200 OK\r\n'
const SHORT = `${OK}Content-Length: 20\r\n\r\nshort`

interface Fault {
  readonly behave: Behaviour
  /** All that the client gets. */
  readonly alone: RegExp
  /** With a good peer beside it, the client gets that one's answer; absent: sometimes the answer of this one. */
  readonly retried?: boolean
  /** Only a time limit ends it. */
  readonly waits?: boolean
  /** The condition `invalid_header` is needed for that. */
  readonly invalidHeader?: boolean
}

const BAD_GATEWAY = /^HTTP\/1.1 502 Bad Gateway\r\n.*\r\n\r\n502 Bad Gateway\n$/s
const TIMEOUT = /^HTTP\/1.1 504 .*\r\n\r\n504 Gateway Timeout\n$/s
/** The header of the answer, and at most the part of the body that came. */
const TRUNCATED = /^HTTP\/1.1 200 OK\r\n.*Content-Length: 20\r\n.*\r\n\r\n(short)?$/s

const FAULTS: Readonly<Record<string, Fault>> = {
  'accepts and never answers': { behave: keepsSilent, alone: TIMEOUT, retried: true, waits: true },
  'resets before the header': { behave: resetsAfter(''), alone: BAD_GATEWAY, retried: true },
  'closes before the header': { behave: (socket) => { socket.end() }, alone: BAD_GATEWAY, retried: true },
  'resets in the header': { behave: resetsAfter(`${OK}X-A: b\r\n`), alone: BAD_GATEWAY, retried: true },
  'trickles its header': { behave: trickles(`${OK}X-A: `), alone: TIMEOUT, retried: true, waits: true },
  'sends many header lines': {
    behave: says(`${OK}${'X-A: b\r\n'.repeat(5000)}\r\n`), alone: BAD_GATEWAY, retried: true, invalidHeader: true,
  },
  'sends a large header': {
    behave: says(`${OK}X-A: ${'b'.repeat(100_000)}\r\n\r\n`), alone: BAD_GATEWAY, retried: true, invalidHeader: true,
  },
  'sends a header with a NUL': {
    behave: says(`${OK}X-A: b\0c\r\n\r\n`), alone: BAD_GATEWAY, retried: true, invalidHeader: true,
  },
  'resets in the body': { behave: resetsAfter(SHORT), alone: TRUNCATED },
  'closes in the body': { behave: (socket) => { socket.end(SHORT) }, alone: TRUNCATED },
  'stops in the body': { behave: says(SHORT), alone: TRUNCATED, waits: true },
  'sends more than it said': { behave: says(`${OK}Content-Length: 2\r\n\r\nokmore`), alone: /\r\n\r\nok$/ },
  'sends a chunk without a size': {
    behave: says(`${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`), alone: /^$/,
  },
  'stops between chunks': {
    behave: (socket) => { socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`) },
    alone: /^HTTP\/1.1 200 OK\r\n.*\r\n\r\n5\r\nhello\r\n$/s,
  },
  // NGINX takes it for HTTP/0.9 and passes it on as it is.
  'has no status line': { behave: (socket) => { socket.end('lorem ipsum\r\n\r\n') }, alone: /^lorem ipsum\r\n\r\n$/ },
  'has no status line and waits': { behave: says('\0\x01\x02\r\n\r\n'), alone: /^$/, waits: true },
}

function toPorts(...peers: readonly { readonly port: number }[]): Json {
  return endpoints(...peers.map(({ port }) => ['127.0.0.1', port] as const))
}

const setting = withDigest({
  ejection: { failures: 0, time: 1, max_time: 1, max_percent: 50, server_errors: false },
  retry_budget: { percent: 100, min_per_second: 1000 },
})

const limited = { timeouts: { connect: LIMIT, read: LIMIT, send: LIMIT } }

async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = Promise.withResolvers<never>()
  const handle = setTimeout(() => timer.reject(new Error(`no end within ${PATIENCE} ms: ${what}`)), PATIENCE)
  return Promise.race([promise, timer.promise]).finally(() => clearTimeout(handle))
}

function get(http: string, name: string): Promise<string> {
  return soon(name, raw(http, `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`))
}

/** A plane with a good peer, and the records for one peer alone and beside the good one. */
async function stage(t: TestContext, variant: Variant,
  bad: { readonly port: number }, fault: Pick<Fault, 'invalidHeader' | 'waits'> = {}): Promise<Served> {
  const classes = { [INVALID_HEADER]: '' }
  const conditions = { [INVALID_HEADER]: 'error timeout invalid_header' }
  const served = await serve(t, { variant, workers: 1, reloaded: false }, { classes, conditions })
  const good = await peer(t, answers('good'))
  const only = fault.invalidHeader === true ? { class: INVALID_HEADER } : {}
  const policies = fault.waits === true ? limited : {}
  await served.plane.put({
    'setting/global': setting,
    'backend/test/alone/80': toPorts(bad),
    'backend/test/beside/80': toPorts(bad, good),
    'host/default/alone.example': host([route({ backend: 'alone', policies })]),
    'host/default/beside.example': host([route({ backend: 'beside', policies, ...only })]),
  })
  return served
}

function goodAnswer(text: string): boolean {
  return text.startsWith('HTTP/1.1 200 OK\r\n') && text.endsWith('\r\n\r\ngood')
}

function pids(plane: DataPlane): Promise<readonly number[]> {
  return plane.status().then(({ workers }) => workers.map(({ pid }) => pid))
}

/** A peer whose queue of connections is full: the kernel drops what asks for another. */
async function deaf(t: TestContext): Promise<{ readonly port: number }> {
  const program = `const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    () => console.log(s.address().port))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => { child.kill('SIGKILL') })
  const [line] = await once(createInterface(child.stdout), 'line') as [string]
  const port = Number(line)
  child.kill('SIGSTOP')
  const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  t.after(() => { for (const socket of sockets) socket.destroy() })
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  await until('the queue is full', async () => {
    const listening = (await readFile('/proc/net/tcp', 'utf8')).split('\n')
      .find((row) => row.includes(`0100007F:${hex} 00000000:0000 0A`))
    return /:0000000[2-9] /.test(listening ?? '')
  })
  return { port }
}

for (const variant of variants()) {
  describe(`faulty peers: ${variant}`, { concurrency: 3 }, () => {
    for (const [name, fault] of Object.entries(FAULTS)) {
      test(`a peer that ${name}`, async (t) => {
        const { plane, http } = await stage(t, variant, await peer(t, fault.behave), fault)
        const before = await pids(plane)
        assert.match(await get(http, 'alone.example'), fault.alone)
        const beside = [await get(http, 'beside.example'), await get(http, 'beside.example')]
        const good = beside.filter(goodAnswer)
        assert.equal(good.length, fault.retried === true ? 2 : 1)
        for (const text of beside) if (!goodAnswer(text)) assert.match(text, fault.alone)
        assert.deepEqual(await pids(plane), before)
      })
    }

    test('a peer that refuses', async (t) => {
      const { http } = await stage(t, variant, { port: await freePort() })
      assert.match(await get(http, 'alone.example'), BAD_GATEWAY)
      for (let i = 0; i < 2; i += 1) assert.ok(goodAnswer(await get(http, 'beside.example')))
    })

    test('a peer whose machine drops every packet', async (t) => {
      const { http } = await stage(t, variant, await deaf(t), { waits: true })
      assert.match(await get(http, 'alone.example'), TIMEOUT)
      for (let i = 0; i < 2; i += 1) assert.ok(goodAnswer(await get(http, 'beside.example')))
    })

    test('a body that comes a byte at a time comes whole, however long it takes', async (t) => {
      const bytes = 60
      const slow: Behaviour = (socket) => {
        socket.write(`${OK}Content-Length: ${bytes}\r\n\r\n`)
        let sent = 0
        const timer = setInterval(() => {
          sent += 1
          socket.write('x')
          if (sent === bytes) clearInterval(timer)
        }, 1200 * LIMIT / bytes)
      }
      const { http } = await stage(t, variant, await peer(t, slow), { waits: true })
      assert.match(await get(http, 'alone.example'), /\r\n\r\nx{60}$/)
    })

    test('an answer before the body of the request was read', async (t) => {
      const { http } = await stage(t, variant, await peer(t, answers('early')))
      const body = 'x'.repeat(500_000)
      const reply = await soon('early', ask(http, { host: 'alone.example', method: 'PUT', body }))
      assert.deepEqual([reply.status, reply.text], [200, 'early'])
    })

    test('early hints before the answer', async (t) => {
      const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
      const { plane, http } = await stage(t, variant, await peer(t, says(`${hints}${OK}Content-Length: 2\r\n\r\nok`)), { waits: true })
      const [, minor] = (await plane.status()).nginx.version.split('.').map(Number) as [number, number]
      // NGINX knows 103 from 1.29 on; before, any status is the last one, and its body lasts until a time limit.
      const expected = minor >= 29 ? /^HTTP\/1.1 200 OK\r\n.*\r\n\r\nok$/s : /^HTTP\/1.1 103 Early Hints\r\n/
      assert.match(await get(http, 'alone.example'), expected)
    })
  })
}
