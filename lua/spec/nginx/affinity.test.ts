/** Sessions: a client stays with its endpoint by a cookie. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { backend, host, route, withDigest, type Backend } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { everySetup, freePort, serve, until, type DataPlane, type Json } from './harness.ts'

const SALT = '7c2f7d1e'
const MODES = ['balanced', 'persistent'] as const

type Endpoint = readonly [string, number, Json?]

async function several(test: TestContext, count: number): Promise<readonly Backend[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => backend(test, `web${i}`)))
}

function listOf(peers: readonly Backend[]): readonly Endpoint[] {
  return peers.map((peer) => ['127.0.0.1', peer.port])
}

async function push(plane: DataPlane, list: readonly Endpoint[], affinity: Json, more: Json = {}): Promise<void> {
  await plane.put({
    'host/default/a.example': host([route({ policies: { affinity, ...more } })]),
    'backend/test/web/80': withDigest({ salt: SALT, endpoints: list }),
  })
}

function cookiesOf(reply: Reply): readonly string[] {
  const value = reply.headers['set-cookie']
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

/** What the browser sends back. */
function pairOf(line: string | undefined): string {
  return line?.split(';')[0] ?? ''
}

function peerOf(reply: Reply): string {
  assert.equal(reply.status, 200)
  return reply.text.split(' ')[0] ?? ''
}

function withCookie(cookie: string): Ask {
  return { headers: { cookie } }
}

async function begin(http: string): Promise<{ readonly peer: string; readonly cookie: string }> {
  const reply = await ask(http)
  const cookies = cookiesOf(reply)
  assert.equal(cookies.length, 1)
  return { peer: peerOf(reply), cookie: pairOf(cookies[0]) }
}

everySetup('affinity', (setup) => {
  for (const mode of MODES) {
    test(`${mode}: a session stays with its endpoint, whoever comes, and gets its cookie once`, async (t) => {
      const { plane, http, fixture } = await serve(t, setup)
      const peers = await several(t, 5)
      await push(plane, listOf(peers.slice(0, 4)), { name: 'route', mode })
      const sessions = await Promise.all(Array.from({ length: 20 }, () => begin(http)))
      assert.ok(new Set(sessions.map(({ peer }) => peer)).size >= 3)
      const stay = async (): Promise<void> => {
        for (const { peer, cookie } of sessions) {
          const reply = await ask(http, withCookie(`other=1; ${cookie}; more=2`))
          assert.equal(peerOf(reply), peer)
          assert.deepEqual(cookiesOf(reply), [])
        }
      }
      await stay()
      await plane.configure({ ...fixture, salt: 'another' })
      await stay()
      if (mode === 'persistent') {
        await push(plane, listOf(peers), { name: 'route', mode })
        await stay()
      }
      assert.deepEqual(plane.errors(), [])
    })

    test(`${mode}: the endpoints of others stay when one goes, and its sessions go on`, async (t) => {
      const { plane, http } = await serve(t, setup)
      const peers = await several(t, 4)
      await push(plane, listOf(peers), { name: 'route', mode })
      const sessions = await Promise.all(Array.from({ length: 20 }, () => begin(http)))
      const [gone, ...rest] = peers
      await push(plane, listOf(rest), { name: 'route', mode })
      for (const { peer, cookie } of sessions) {
        const reply = await ask(http, withCookie(cookie))
        const now = peerOf(reply)
        if (peer !== gone?.name) assert.equal(now, peer)
        if (peer === gone?.name && mode === 'persistent') {
          const next = pairOf(cookiesOf(reply)[0])
          assert.notEqual(next, cookie)
          assert.equal(peerOf(await ask(http, withCookie(next))), now)
        } else assert.deepEqual(cookiesOf(reply), [])
      }
    })

    test(`${mode}: a draining endpoint keeps its sessions and gets no others`, async (t) => {
      const { plane, http } = await serve(t, setup)
      const peers = await several(t, 3)
      await push(plane, listOf(peers), { name: 'route', mode })
      const sessions = await Promise.all(Array.from({ length: 12 }, () => begin(http)))
      const [first, ...others] = listOf(peers) as [Endpoint, ...Endpoint[]]
      await push(plane, [[first[0], first[1], { draining: true }], ...others], { name: 'route', mode })
      for (const { peer, cookie } of sessions) assert.equal(peerOf(await ask(http, withCookie(cookie))), peer)
      for (let i = 0; i < 20; i += 1) assert.notEqual((await begin(http)).peer, 'web0')
      assert.deepEqual(plane.errors(), [])
    })

    test(`${mode}: after a failed try the cookie stays, or changes when it is to`, async (t) => {
      const { plane, http } = await serve(t, setup)
      const [first, second] = await several(t, 2) as [Backend, Backend]
      const dead: Endpoint = ['127.0.0.1', await freePort()]
      const ejection = { failures: 0, time: 1, max_time: 1, max_percent: 1, server_errors: false }
      const records = (list: readonly Endpoint[], affinity: Json): Promise<void> => plane.put({
        'host/default/a.example': host([route({ policies: { affinity } })]),
        'backend/test/web/80': withDigest({ salt: SALT, endpoints: list }),
        'setting/global': withDigest({ ejection }),
      })
      const alive = { name: 'route', mode }
      // A session with each of the two, found while the first lives, which then dies.
      await records(listOf([first, second]), alive)
      const session = await until('a session with the first', async () => {
        const one = await begin(http)
        return one.peer === first.name ? one : undefined
      })
      first.server.closeAllConnections()
      await new Promise((resolve) => { first.server.close(resolve) })
      const kept = await ask(http, withCookie(session.cookie))
      assert.equal(peerOf(kept), second.name)
      assert.deepEqual(cookiesOf(kept), [])
      await records(listOf([first, second]), { ...alive, change_on_failure: true })
      const changed = await ask(http, withCookie(session.cookie))
      assert.equal(peerOf(changed), second.name)
      const [line, ...others] = cookiesOf(changed)
      assert.deepEqual(others, [])
      assert.notEqual(pairOf(line), session.cookie)
      assert.equal(peerOf(await ask(http, withCookie(pairOf(line)))), second.name)
      // A new client gets one cookie, however many tries there were: that of the last.
      await records([dead, ...listOf([first, second])], alive)
      for (let i = 0; i < 10; i += 1) assert.equal((await begin(http)).peer, second.name)
    })
  }

  test('sessions begin in the zone, and stay when an endpoint turns out to be in another one', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 4)
    const zones = (far: readonly number[]): readonly Endpoint[] => listOf(peers).map(
      ([address, port], i): Endpoint => far.includes(i) ? [address, port, { priority: 1 }] : [address, port],
    )
    for (const mode of MODES) {
      await push(plane, zones([2, 3]), { name: 'route', mode })
      const sessions = await Promise.all(Array.from({ length: 12 }, () => begin(http)))
      assert.ok(sessions.every(({ peer }) => peer === 'web0' || peer === 'web1'))
      await push(plane, zones([0, 1]), { name: 'route', mode })
      for (const { peer, cookie } of sessions) assert.equal(peerOf(await ask(http, withCookie(cookie))), peer)
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('no address can be read from the token, and another salt makes other tokens', async (t) => {
    const { plane, http } = await serve(t, setup)
    const [web] = await several(t, 1) as [Backend]
    // The default name of ingress-nginx, in upper case.
    const affinity = { name: 'INGRESSCOOKIE', mode: 'persistent' }
    await push(plane, listOf([web]), affinity)
    const { cookie } = await begin(http)
    assert.deepEqual(cookiesOf(await ask(http, withCookie(cookie))), [])
    assert.match(cookie, /^INGRESSCOOKIE=[0-9a-f]{16}\.[0-9a-f]{8}$/)
    assert.ok(!cookie.includes('127.0.0.1') && !cookie.includes(String(web.port)))
    await plane.put({
      'host/default/a.example': host([route({ policies: { affinity } })]),
      'backend/test/web/80': withDigest({ salt: 'ff', endpoints: listOf([web]) }),
    })
    const [line] = cookiesOf(await ask(http, withCookie(cookie)))
    assert.notEqual(pairOf(line), cookie)
  })

  test('a value that we never set is as none', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 2)
    for (const mode of MODES) {
      await push(plane, listOf(peers), { name: 'route', mode })
      const { cookie } = await begin(http)
      const foreign = ['route=', 'route=x', `${cookie}0`, cookie.toUpperCase().replace('ROUTE', 'route').replace('.', '|'),
        `route=${'a'.repeat(16)}.00000000`, `route=${'x'.repeat(4000)}`, `route=${'a'.repeat(25)}`]
      for (const value of foreign) {
        const reply = await ask(http, withCookie(value))
        peerOf(reply)
        assert.equal(cookiesOf(reply).length, 1, value)
      }
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('the attributes of the cookie', async (t) => {
    const { plane, http } = await serve(t, setup)
    const peers = await several(t, 1)
    const attributes = async (more: Json, headers: Record<string, string> = {}): Promise<string> => {
      await push(plane, listOf(peers), { name: 'my-cookie', mode: 'balanced', ...more })
      const [line = ''] = cookiesOf(await ask(http, { headers }))
      assert.ok(line.startsWith('my-cookie='), line)
      return line.slice(line.indexOf(';') + 2)
    }
    assert.equal(await attributes({}), 'Path=/; HttpOnly')
    assert.equal(
      await attributes({ path: '/a', domain: '.a.example', max_age: 60, secure: true, same_site: 'Lax' }),
      'Max-Age=60; Domain=.a.example; Path=/a; Secure; HttpOnly; SameSite=Lax',
    )
    const expiring = await attributes({ expires: 3600 })
    const expires = Date.parse(/^Expires=([^;]*);/.exec(expiring)?.[1] ?? '')
    assert.ok(Math.abs(expires - Date.now() - 3_600_000) < 60_000, expiring)
    const none = { same_site: 'None', conditional_same_site_none: true }
    const old = 'Mozilla/5.0 (iPhone; CPU iPhone OS 12_1 like Mac OS X) Version/12.0 Safari/604.1'
    assert.equal(await attributes(none, { 'user-agent': old }), 'Path=/; HttpOnly')
    assert.equal(await attributes(none, { 'user-agent': 'Firefox' }), 'Path=/; HttpOnly; SameSite=None')
    assert.equal(await attributes({ same_site: 'None' }, { 'user-agent': old }), 'Path=/; HttpOnly; SameSite=None')
  })

  test('cookies of the backend stay as they are', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web', (_, response) => {
      response.setHeader('set-cookie', ['a=1; Path=/', 'b=2'])
      response.end('web')
    })
    for (const mode of MODES) {
      await push(plane, listOf([web]), { name: 'route', mode })
      const lines = cookiesOf(await ask(http))
      assert.equal(lines.length, 3)
      assert.deepEqual(lines.filter((line) => !line.startsWith('route=')), ['a=1; Path=/', 'b=2'])
    }
  })

  test('requests of sessions count for algorithms that look at what is in flight', async (t) => {
    const { plane, http } = await serve(t, setup)
    const held: (() => void)[] = []
    const busy = await backend(t, 'busy', (request, response) => {
      if (request.url === '/hold') held.push(() => response.end('busy'))
      else response.end('busy')
    })
    const idle = await backend(t, 'idle')
    const affinity = { name: 'route', mode: 'persistent' }
    await push(plane, listOf([busy, idle]), affinity, { load_balance: { algorithm: 'least_request' } })
    const session = await until('a session with the busy one', async () => {
      const one = await begin(http)
      return one.peer === 'busy' ? one : undefined
    })
    const answers = Array.from({ length: 8 * setup.workers }, () => ask(http, { ...withCookie(session.cookie), path: '/hold' }))
    await until('all wait', () => held.length === answers.length)
    if (setup.workers === 1) for (let i = 0; i < 10; i += 1) assert.equal((await begin(http)).peer, 'idle')
    for (const end of held) end()
    await Promise.all(answers)
    await until('the busy one is chosen again', async () => (await begin(http)).peer === 'busy')
  })
})
