/** Handshakes: several certificates of a host, ciphers of a host, names without a host. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { host, withDigest } from './backends.ts'
import { certificate } from './certificate.ts'
import { serve, variants, type Json } from './harness.ts'

const RSA = certificate('rsa', 'rsa:2048')
const ECDSA = certificate('ecdsa')
const DEFAULT = certificate('default')
const CERTIFICATES = { 'certificate/default': DEFAULT, 'certificate/test/rsa': RSA, 'certificate/test/ecdsa': ECDSA }

interface Handshake {
  readonly name: string
  readonly cipher: string
}

/** What was agreed on; the code of the error when nothing was. */
function shake(port: number, options: ConnectionOptions): Promise<Handshake | string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      resolve({ name: String(socket.getPeerCertificate().subject.CN), cipher: socket.getCipher().name })
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function shown(port: number, servername: string | undefined, options: ConnectionOptions = {}): Promise<string> {
  const result = await shake(port, { ...(servername === undefined ? {} : { servername }), ...options })
  return typeof result === 'string' ? result : result.name
}

async function agreed(port: number, servername: string, ciphers: string): Promise<string> {
  const result = await shake(port, { servername, ciphers, maxVersion: 'TLSv1.2' })
  return typeof result === 'string' ? result : result.cipher
}

function hostWith(members: Json): Json {
  return withDigest({ ...host([]), ...members })
}

const BOTH = hostWith({ certificate: 'certificate/test/rsa', alternatives: ['certificate/test/ecdsa'] })
const RSA_ONLY = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256'
const ECDSA_ONLY = 'ecdsa_secp256r1_sha256'
const AES128 = 'ECDHE-ECDSA-AES128-GCM-SHA256'
const AES256 = 'ECDHE-ECDSA-AES256-GCM-SHA384'

for (const variant of variants()) {
  describe(`front TLS: ${variant}`, () => {
    test('of two certificates each client gets the one that it can read', async (t) => {
      const { plane, fixture: { httpsPort: port } } = await serve(t, { variant, workers: 1, reloaded: false })
      await plane.put({ ...CERTIFICATES, 'host/default/a.example': BOTH, 'host/default/*.a.example': BOTH })
      for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
        assert.equal(await shown(port, 'a.example', { maxVersion, sigalgs: RSA_ONLY }), 'rsa')
        assert.equal(await shown(port, 'a.example', { maxVersion, sigalgs: ECDSA_ONLY }), 'ecdsa')
        assert.equal(await shown(port, 'x.a.example', { maxVersion, sigalgs: ECDSA_ONLY }), 'ecdsa')
      }
      assert.equal(await shown(port, 'A.EXAMPLE.', { sigalgs: RSA_ONLY }), 'rsa')
      assert.equal(await shown(port, 'b.example', { sigalgs: ECDSA_ONLY }), 'default')
      assert.equal(await shown(port, undefined), 'default')

      // One that is gone leaves the other.
      await plane.put({
        'certificate/default': DEFAULT, 'certificate/test/ecdsa': ECDSA, 'host/default/a.example': BOTH,
      })
      assert.equal(await shown(port, 'a.example'), 'ecdsa')
      assert.deepEqual(plane.errors(), [])
    })

    test('ciphers and their order belong to a host, and come and go without a reload', async (t) => {
      const { plane, fixture: { httpsPort: port } } = await serve(t, { variant, workers: 1, reloaded: false })
      const put = (ciphers: Json): Promise<void> => plane.put({
        ...CERTIFICATES,
        'host/default/a.example': hostWith({ certificate: 'certificate/test/ecdsa', ...ciphers }),
        'host/default/b.example': host([], 'certificate/test/ecdsa'),
      })
      await put({ ciphers: { list: `${AES256}:${AES128}`, prefer_server: true } })
      assert.equal(await agreed(port, 'a.example', `${AES128}:${AES256}`), AES256)
      await put({ ciphers: { list: `${AES256}:${AES128}`, prefer_server: false } })
      assert.equal(await agreed(port, 'a.example', `${AES128}:${AES256}`), AES128)
      await put({ ciphers: { list: AES256 } })
      assert.equal(await agreed(port, 'a.example', `${AES128}:${AES256}`), AES256)
      assert.match(await agreed(port, 'a.example', AES128), /^ERR_SSL/)
      assert.equal(await agreed(port, 'b.example', AES128), AES128)
      await put({})
      assert.equal(await agreed(port, 'a.example', AES128), AES128)
      assert.deepEqual(plane.errors(), [])
    })

    test('names that no object names get no handshake, where that is asked for', async (t) => {
      const { plane, fixture: { httpsPort: port } } = await serve(t, { variant, workers: 1, reloaded: false })
      const records = {
        ...CERTIFICATES,
        'host/default/a.example': host([], 'certificate/test/rsa'),
        'host/default/*.w.example': host([]),
        'host/default/_': host([]),
      }
      const setting = (members: Json): Json => ({ 'setting/global': withDigest({ body_size: { max: 0 }, ...members }) })
      await plane.put({ ...records, ...setting({ reject_handshake: true }) })
      assert.equal(await shown(port, 'a.example'), 'rsa')
      assert.equal(await shown(port, 'x.w.example'), 'default')
      for (const name of ['b.example', 'x.a.example', undefined]) {
        assert.match(await shown(port, name), /^(ERR_SSL|ECONNRESET)/)
      }
      await plane.put({ ...records, ...setting({}) })
      assert.equal(await shown(port, 'b.example'), 'default')
      assert.deepEqual(plane.errors(), [])
    })

    test('records of handshakes that mean nothing are refused', async (t) => {
      const { plane } = await serve(t, { variant, workers: 1, reloaded: false })
      const wrong = [
        { certificate: 'backend/test/web/80' },
        { alternatives: ['certificate/test/rsa'] },
        { certificate: 'certificate/test/rsa', alternatives: [] },
        { certificate: 'certificate/test/rsa', alternatives: ['host/default/a.example'] },
        { ciphers: 'HIGH' },
        { ciphers: { list: 'HIGH;' } },
        { ciphers: { prefer_server: 'yes' } },
      ]
      for (const members of wrong) {
        const set = { 'host/default/a.example': hostWith(members as Json) }
        const { body } = await plane.call('PUT', '/v1/records', { set })
        assert.ok(body.rejected['host/default/a.example'], JSON.stringify(members))
      }
    })
  })
}
