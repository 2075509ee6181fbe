/** The certificate of a handshake: by name, from records, without a reload. */
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { everySetup, serve } from './harness.ts'

/** The common name that a handshake shows; the error's code when it fails. */
function shown(port: number, servername?: string): Promise<string> {
  return new Promise((resolve) => {
    const name = servername === undefined ? {} : { servername }
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...name }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

const WEB = certificate('web')
const WEB2 = certificate('web2', 'rsa:2048')
const WILD = certificate('wild')
const DEFAULT = certificate('default')

everySetup('certificates', (setup) => {
  test('chosen by name: exact, wildcard of one label, default', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    await plane.put({
      'certificate/default': DEFAULT,
      'certificate/test/web': WEB,
      'certificate/test/wild': WILD,
      'host/default/www.a.example': host([], 'certificate/test/web'),
      'host/default/*.a.example': host([], 'certificate/test/wild'),
      'host/default/plain.a.example': host([]),
      'host/default/plain.example': host([]),
      'host/default/gone.example': host([], 'certificate/test/gone'),
    })
    const port = fixture.httpsPort
    assert.equal(await shown(port, 'www.a.example'), 'web')
    assert.equal(await shown(port, 'WWW.A.example'), 'web')
    assert.equal(await shown(port, 'x.a.example'), 'wild')
    assert.equal(await shown(port, 'plain.a.example'), 'wild')
    assert.equal(await shown(port, 'y.x.a.example'), 'default')
    assert.equal(await shown(port, 'plain.example'), 'default')
    assert.equal(await shown(port, 'gone.example'), 'default')
    assert.equal(await shown(port, 'other.example'), 'default')
    assert.equal(await shown(port), 'default')
    assert.deepEqual(plane.errors(), [])
  })

  test('a new certificate is shown by the next handshake, and none fails it', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    const port = fixture.httpsPort
    assert.notEqual(await shown(port, 'www.a.example'), 'web')
    const records = { 'host/default/www.a.example': host([], 'certificate/test/web') }
    for (let round = 0; round < 4; round += 1) {
      const [record, name] = round % 2 === 0 ? [WEB, 'web'] : [WEB2, 'web2']
      await plane.put({ ...records, 'certificate/test/web': record })
      for (let i = 0; i < 4; i += 1) assert.equal(await shown(port, 'www.a.example'), name)
    }
    await plane.put(records)
    assert.match(await shown(port, 'www.a.example'), /ERR_SSL|ECONNRESET/)
    assert.deepEqual(plane.errors(), [])
  })

  test('what does not parse or does not fit is refused, and the old one stays', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    await plane.put({ 'certificate/default': DEFAULT })
    const wrong = {
      'the chain cannot be parsed': { chain: 'x', key: DEFAULT.key },
      'the key cannot be parsed': { chain: DEFAULT.chain, key: 'x' },
      'the key does not belong': { chain: DEFAULT.chain, key: WEB.key },
    }
    for (const [reason, record] of Object.entries(wrong)) {
      const set = { 'certificate/default': withDigest(record) }
      const answer = await plane.call('PUT', '/v1/records', { set })
      assert.ok(answer.body.rejected['certificate/default']?.startsWith(reason), JSON.stringify(answer.body))
      assert.ok(!JSON.stringify(answer.body).includes('PRIVATE'))
    }
    assert.equal(await shown(fixture.httpsPort), 'default')
    const read = await plane.call('GET', '/v1/records/certificate/default')
    assert.equal(read.body.key, '[redacted]')
    assert.equal(read.body.chain, DEFAULT.chain)
    assert.ok(!plane.log.includes('PRIVATE'))
    assert.deepEqual(plane.errors(), [])
  })

  test('HTTP/2 over TLS, and a name in the request that is not the one of the handshake', async (t) => {
    const { plane, fixture } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({
      'certificate/default': DEFAULT,
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ policies: { tls_redirect: { code: 308, port: 443 } } })]),
    })
    const session = connectHttp2(`https://127.0.0.1:${fixture.httpsPort}`, { rejectUnauthorized: false })
    t.after(() => session.destroy())
    const status = (authority: string): Promise<unknown> => new Promise((resolve, reject) => {
      const stream = session.request({ ':authority': authority, ':path': '/x' })
      stream.on('response', (headers) => resolve(headers[':status']))
      stream.on('error', reject)
      stream.resume()
    })
    assert.equal(await status('a.example'), 200)
    assert.equal(await status('A.example:443'), 200)
    assert.equal(await status('b.example'), 404)
    assert.deepEqual(plane.errors(), [])
  })
})
