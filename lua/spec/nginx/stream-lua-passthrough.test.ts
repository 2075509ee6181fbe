/** TLS by the name in the ClientHello: passed through to an endpoint, or ended here, on one port. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { host } from './backends.ts'
import { freePort, serve, type Json, type Served, type Variant } from './harness.ts'
import { BACKEND, loopback, patch, streamBlock, withStreamLua } from './stream-lua-plane.ts'
import { Client } from './tcp.ts'
import { keyPair, shownName, tlsPeer } from './tls.ts'

const HERE = 'ended here'
const PASSED = 'passed through'

function certificate(name: string): Json {
  const { cert, key } = keyPair(name)
  return { digest: name, chain: cert, key }
}

const ENDED_HERE = certificate(HERE)

interface TlsServed extends Served {
  /** Where both kinds of TLS arrive. */
  readonly tls: number
}

/** The servers of docs/control-api.md, with ports in place of sockets. */
async function serveTls(t: TestContext, variant: Variant): Promise<TlsServed> {
  const [tls, passthrough, ended] = [await freePort(), await freePort(), await freePort()]
  const servers = `
  upstream tls_termination { server 127.0.0.1:${ended}; }
  upstream tls_passthrough { server 127.0.0.1:${passthrough}; }
  server {
    listen 127.0.0.1:${tls};
    ssl_preread on;
    preread_by_lua_block { return resty_ingress_stream.choose_tls() }
    proxy_protocol on;
    proxy_pass $tls_target;
  }
  server {
    listen 127.0.0.1:${passthrough} proxy_protocol;
    ssl_preread on;
    preread_by_lua_block { return resty_ingress_stream.passthrough() }
    proxy_pass stream_balancer;
  }`
  const served = await serve(t, { variant, workers: 2, reloaded: false }, {
    extra: `listen 127.0.0.1:${ended} ssl proxy_protocol;`,
    stream: streamBlock(await freePort(), await freePort(), { servers }),
  })
  return { ...served, tls }
}

function through(...hosts: readonly string[]): Json {
  return Object.fromEntries(hosts.map((name) => [`passthrough/${name}`, { digest: 'one', backend: BACKEND }]))
}

withStreamLua('TLS passthrough in Lua', (variant) => {
  test('names with a record are passed through, the others end here; records come and go without a reload', async (t) => {
    const served = await serveTls(t, variant)
    const { plane, tls } = served
    const ended = { 'certificate/default': ENDED_HERE, 'host/default/here.example': host([]) }
    const { port } = await tlsPeer(t, PASSED)
    await plane.put({ ...ended, ...through('a.example', '*.wild.example'), [BACKEND]: loopback(port) })
    const { generation } = await plane.status()
    const names = {
      'a.example': PASSED, 'A.Example': PASSED, 'x.wild.example': PASSED, 'y.x.wild.example': HERE,
      'wild.example': HERE, 'here.example': HERE, 'b.a.example': HERE, other: HERE,
    }
    for (const [name, by] of Object.entries(names)) assert.equal(await shownName(t, tls, name), by, name)
    assert.equal(await shownName(t, tls), HERE)

    await patch(served, through('here.example'), ['passthrough/a.example'])
    assert.equal(await shownName(t, tls, 'a.example'), HERE)
    assert.equal(await shownName(t, tls, 'here.example'), PASSED)
    await patch(served, { [BACKEND]: loopback() })
    await assert.rejects(shownName(t, tls, 'here.example'), { code: 'ECONNRESET' })
    assert.equal((await plane.status()).generation, generation)
    assert.deepEqual(plane.errors(), [])
  })

  test('what is no TLS, or no ClientHello with a name, ends here', async (t) => {
    const { plane, tls } = await serveTls(t, variant)
    const { port } = await tlsPeer(t, PASSED)
    await plane.put({ 'certificate/default': ENDED_HERE, ...through('a.example'), [BACKEND]: loopback(port) })
    for (const bytes of ['GET / HTTP/1.1\r\nHost: a.example\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\x80', '\0'.repeat(100)]) {
      const client = new Client(t, tls)
      client.socket.end(bytes, 'latin1')
      assert.doesNotMatch(await client.end(), /passed/)
    }
    assert.equal(await shownName(t, tls, 'a.example'), PASSED)
    assert.deepEqual(plane.errors().filter((line) => line.includes('lua')), [])
  })
})
