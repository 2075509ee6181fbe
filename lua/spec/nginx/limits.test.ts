/** How much one client may ask for: exactly so much, whichever worker it meets, and however a request ends. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Agent } from 'undici'
import { DEFAULT_SETTINGS } from '../../../sidecar/ir/settings.ts'
import { renderConfig } from '../../../sidecar/nginx/render.ts'
import { backend, endpoints, host, route, type Backend, type RouteOptions } from './backends.ts'
import { ask } from './client.ts'
import { everySetup, everyVariant, serve, until, type Json, type Served } from './harness.ts'

const MANY = 60

async function serves(served: Served, limits: Json, peer: Backend, rest: RouteOptions = {}): Promise<void> {
  const routes = [route({ path: '/free' }), route({ ...rest, policies: { limits, ...rest.policies } })]
  await served.plane.put({ 'host/default/a.example': host(routes), 'backend/test/web/80': endpoints(peer) })
}

/** Statuses of so many requests at once, each on a connection of its own. */
async function statuses({ http }: Served, count: number, path = '/'): Promise<number[]> {
  const dispatcher = new Agent({ connections: count, pipelining: 0 })
  const replies = await Promise.all(Array.from({ length: count }, () => ask(http, { path, dispatcher })))
  await dispatcher.destroy()
  return replies.map(({ status }) => status)
}

function passed(list: readonly number[]): number {
  return list.filter((status) => status === 200).length
}

/** A backend that answers nobody before it is told to. */
async function patient(t: TestContext): Promise<{ peer: Backend; waiting: ServerResponse[]; finish: () => void }> {
  const waiting: ServerResponse[] = []
  const peer = await backend(t, 'patient', (_request, response) => waiting.push(response))
  return { peer, waiting, finish: () => waiting.splice(0).forEach((response) => response.end('done')) }
}

const HEAD = 'Host: a.example\r\n\r\n'

function open({ http }: Served, head = `GET / HTTP/1.1\r\n${HEAD}`): Socket {
  const socket = connect(Number(new URL(http).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(head)
  return socket
}

async function firstLine(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data') as [Buffer]
  return chunk.toString().split('\r\n')[0] ?? ''
}

/** A request that waits at the backend; undefined: it was refused. */
async function held(served: Served, { server }: Backend): Promise<Socket | undefined> {
  const arrived = once(server, 'request').then(() => true)
  const socket = open(served)
  return await Promise.race([arrived, firstLine(socket).then(() => false)]) ? socket : undefined
}

/** So many that wait, and not one more. */
async function fill(served: Served, peer: Backend, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) sockets.push(await until('there is room', () => held(served, peer)))
  assert.equal((await ask(served.http)).status, 503)
  return sockets
}

const FULL = 429

/**
 * The status of a request once there is room for it: the one before counts until NGINX has logged it,
 * which is after its client has the answer.
 */
function statusWithRoom({ http }: Served, options: Parameters<typeof ask>[1] = {}): Promise<number> {
  return until('there is room', async () => {
    const { status } = await ask(http, options)
    return status === FULL ? undefined : status
  })
}

everySetup('limits', (setup) => {
  test('of requests in a time: those and the burst pass, to the last one', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await serves(served, { rpm: 1, burst_multiplier: 20 }, web)
    assert.equal(passed(await statuses(served, MANY)), 21)
    assert.equal(passed(await statuses(served, 5)), 0)
    assert.equal(passed(await statuses(served, 5, '/free')), 5)
    assert.equal((await served.plane.configure({ ...served.fixture, salt: 'next' })).status, 200)
    assert.equal(passed(await statuses(served, 5)), 0, 'a reload forgets nobody')
    await serves(served, { rpm: 1 }, web)
    assert.equal(passed(await statuses(served, MANY)), 6, 'a burst is of five')
    assert.deepEqual(served.plane.errors(), [])
  })

  test('of requests at a time: until each has ended, however', async (t) => {
    const served = await serve(t, setup, { classes: { c00000000001: '' } })
    const { peer, waiting, finish } = await patient(t)
    for (const rest of [{}, { class: 'c00000000001' }] as readonly RouteOptions[]) {
      await serves(served, { connections: 3 }, peer, rest)
      const answered = await fill(served, peer, 3)
      const lines = answered.map(firstLine)
      finish()
      for (const line of lines) assert.match(await line, / 200 /)
      const left = await fill(served, peer, 3)
      left.forEach((socket) => socket.destroy())
      waiting.splice(0)
      const last = await fill(served, peer, 3)
      finish()
      for (const socket of [...answered, ...last]) socket.destroy()
    }
  })
})

everyVariant('limits, of all kinds', (setup) => {
  test('clients are told apart by what the settings say, and not limited where that is empty', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await serves(served, { rpm: 1, burst_multiplier: 1, key: [{ var: 'http_x_api_key' }] }, web)
    const statusesOf = async (headers: Readonly<Record<string, string>>): Promise<number[]> => {
      const list = []
      for (let i = 0; i < 4; i += 1) list.push((await ask(served.http, { headers })).status)
      return list
    }
    assert.deepEqual(await statusesOf({ 'x-api-key': 'one' }), [200, 200, 503, 503])
    assert.deepEqual(await statusesOf({ 'x-api-key': 'two' }), [200, 200, 503, 503])
    assert.deepEqual(await statusesOf({}), [200, 200, 200, 200])
    assert.deepEqual(served.plane.errors(), [])
  })

  test('a worker that is killed takes its requests along', async (t) => {
    const served = await serve(t, setup)
    const { peer, waiting, finish } = await patient(t)
    await serves(served, { connections: 4 }, peer)
    for (let round = 0; round < 3; round += 1) {
      const sockets = await fill(served, peer, 4)
      const { workers } = await served.plane.status()
      for (const { pid } of workers) process.kill(pid, 'SIGKILL')
      await until('others are there', async () => {
        const now = await served.plane.status().catch(() => undefined)
        const old = workers.map(({ pid }) => pid)
        return now?.workers.length === setup.workers && !now.workers.some(({ pid }) => old.includes(pid))
      })
      sockets.forEach((socket) => socket.destroy())
      waiting.splice(0)
      const next = await fill(served, peer, 4)
      const lines = next.map(firstLine)
      finish()
      for (const line of lines) assert.match(await line, / 200 /)
      next.forEach((socket) => socket.destroy())
    }
  })

  test('requests that end before a backend is asked, and those that fail there, leave room', async (t) => {
    const served = await serve(t, setup)
    const broken = await backend(t, 'broken', (request) => request.socket.destroy())
    const web = await backend(t, 'web')
    const limits = { connections: 1, connection_status: FULL }
    await serves(served, limits, broken)
    for (let i = 0; i < 5; i += 1) assert.equal(await statusWithRoom(served), 502)
    await served.plane.put({ 'host/default/a.example': host([route({ policies: { limits } })]) })
    for (let i = 0; i < 5; i += 1) assert.equal(await statusWithRoom(served), 503)
    await serves(served, limits, web, { policies: { body_size: { max: 3 } } })
    for (let i = 0; i < 5; i += 1) assert.equal(await statusWithRoom(served, { method: 'POST', body: 'four' }), 413)
    assert.equal(await statusWithRoom(served), 200)
    assert.deepEqual(served.plane.errors().filter((line) => line.includes('lua')), [])
  })

  test('an upgraded connection counts until it is closed', async (t) => {
    const served = await serve(t, setup)
    const peer = await backend(t, 'upgrading', (_request, response) => response.end('plain'))
    const upgraded: Socket[] = []
    peer.server.on('upgrade', (_request, socket: Socket) => {
      upgraded.push(socket)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')
    })
    t.after(() => upgraded.forEach((socket) => socket.destroy()))
    const { httpPort, httpsPort } = served.fixture
    const { capabilities } = await served.plane.status()
    const listeners = { addresses: ['127.0.0.1'], httpPort, httpsPort }
    const { text } = renderConfig({ settings: DEFAULT_SETTINGS, classes: [], listeners, capabilities })
    assert.equal((await served.plane.call('PUT', '/v1/config', text)).status, 200)
    await serves(served, { connections: 1 }, peer)
    const client = open(served, `GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n${HEAD}`)
    assert.match(await firstLine(client), / 101 /)
    assert.equal((await ask(served.http)).status, 503)
    client.destroy()
    await until('there is room', async () => (await ask(served.http)).status === 200)
  })

  test('statuses, addresses without limits, and a rate that gives back what another limit refuses', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    await serves(served, { rpm: 1, burst_multiplier: 1, rate_status: 429 }, web)
    assert.deepEqual((await statuses(served, 5)).sort(), [200, 200, 429, 429, 429])
    for (const allow of [['127.0.0.0/8'], ['127.0.0.1'], ['::1', '126.0.0.0/7']]) {
      await serves(served, { rpm: 1, burst_multiplier: 1, allow }, web)
      assert.equal(passed(await statuses(served, 9)), 9, String(allow))
    }
    await serves(served, { rpm: 2, burst_multiplier: 1, allow: ['128.0.0.0/7', '127.0.0.2'] }, web)
    assert.equal(passed(await statuses(served, 9)), 3)
    const { peer, waiting, finish } = await patient(t)
    await serves(served, { rpm: 1, burst_multiplier: 3, connections: 1, connection_status: 429 }, peer)
    const first = open(served)
    await until('it waits', () => waiting.length === 1)
    assert.deepEqual(await statuses(served, 9), Array(9).fill(429))
    const line = firstLine(first)
    finish()
    assert.match(await line, / 200 /)
    for (let i = 0; i < 3; i += 1) {
      const next = await until('there is room', () => held(served, peer))
      const answer = firstLine(next)
      finish()
      assert.match(await answer, / 200 /)
    }
    assert.equal((await ask(served.http)).status, 503)
  })

  test('the rate at which an answer is sent', async (t) => {
    const served = await serve(t, setup)
    const size = 20_000
    const web = await backend(t, 'web', (_request, response) => response.end('x'.repeat(size)))
    await serves(served, { rate: 1, rate_after: 1000 }, web)
    const socket = open(served)
    let received = 0
    socket.on('data', (chunk: Buffer) => { received += chunk.length })
    await until('the first part comes', () => received > 1000)
    // On another connection, whole.
    assert.equal((await ask(served.http, { path: '/free' })).text.length, size)
    assert.ok(received < size)
    socket.destroy()
    await serves(served, { rate: 10_000_000 }, web)
    assert.equal((await ask(served.http)).text.length, size)
  })

  test('time goes on while a worker is busy: else those whose clock it has would be refused what is theirs', async (t) => {
    const extra = `location = /busy { content_by_lua_block {
      local rates = require("ingress.limit.rates")
      local rate = rates.new("busy", 100, 0)
      local first = rates.take(rate, "client")
      local free_again = os.clock() + 0.05
      while os.clock() < free_again do end
      ngx.say(first, " ", rates.take(rate, "client"))
    } }`
    const served = await serve(t, { ...setup, workers: 1 }, { extra })
    await serves(served, { rps: 1000 }, await backend(t, 'web'))
    assert.equal((await ask(served.http, { path: '/busy' })).text, 'true true\n')
  })

  test('a set that is full: a new client counts with another one', async (t) => {
    const extra = `location = /clients { content_by_lua_block {
      local clients = require("ingress.limit.clients")
      local table = clients.open("test", 1)
      local zone, seen = table:zone("zone"), {}
      local function add(name)
        local at, set = table:enter(zone, name, 0)
        table.numbers[at] = table.numbers[at] + 1
        table:leave(set)
        return at
      end
      local different = 0
      for i = 1, 8 do
        local at = add("client " .. i)
        different = different + (seen[at] and 0 or 1)
        seen[at] = true
      end
      local shared = seen[add("one more")]
      local same = add("client 3") == add("client 3")
      for at in pairs(seen) do
        table.numbers[at] = 0
      end
      local fresh = table.numbers[add("later")] == 1
      ngx.say(different, " ", shared, " ", same, " ", fresh)
    } }`
    const served = await serve(t, { ...setup, workers: 1 }, { extra })
    const web = await backend(t, 'web')
    await serves(served, { rps: 1000 }, web)
    assert.equal((await ask(served.http, { path: '/clients' })).text, '8 true true true\n')
  })

  test('a set that others fill for hours refuses nobody: who would be forgotten first is', async (t) => {
    const extra = `location = /rates { content_by_lua_block {
      local clients = require("ingress.limit.clients")
      local table = clients.open("test", 1, true)
      local slow, fast = table:zone("slow"), table:zone("fast")
      local function count(zone, name, free, more)
        local at, set = table:enter(zone, name, free)
        local before = table.numbers[at]
        table.numbers[at] = before + more
        table:leave(set)
        return before
      end
      for i = 1, 8 do
        count(slow, "stranger " .. i, 0, 1000 * i)
      end
      ngx.say(count(fast, "client", 5, 10), " ", count(fast, "client", 5, 10), " ",
        count(slow, "stranger 8", 5, 0), " ", count(slow, "stranger 1", 5, 0))
    } }`
    const served = await serve(t, { ...setup, workers: 1 }, { extra })
    await serves(served, { rps: 1000 }, await backend(t, 'web'))
    assert.equal((await ask(served.http, { path: '/rates' })).text, '0 10 8000 0\n')
  })
})
