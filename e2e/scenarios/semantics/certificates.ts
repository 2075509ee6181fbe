/** Which certificate a handshake shows. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller } from '../controller.ts'
import { ask } from '../http.ts'
import { handshake, tlsSecret } from '../tls.ts'
import { ingressOf } from '../workload.ts'

/** Also makes the host `tls.example`, of the service `one`. */
export function testCertificates(controller: Controller): void {
  const { address, lab } = controller

  test('by name: exact before wildcard, else self-signed with a name', async () => {
    const [exact, wildcard] = await Promise.all([
      tlsSecret(lab, 'exact', ['tls.example', 'exact.certified.example']), tlsSecret(lab, 'wildcard', ['*.certified.example']),
    ])
    await lab.apply([
      exact.secret, wildcard.secret,
      ingressOf('tls', {
        rules: ['tls.example', 'exact.certified.example', '*.certified.example'].map((host) => ({ host, service: 'one' })),
        tls: [
          { hosts: ['tls.example', 'exact.certified.example'], secretName: 'exact' },
          { hosts: ['*.certified.example'], secretName: 'wildcard' },
        ],
      }),
    ])
    const shown = async (name: string): Promise<string> => (await handshake(address, name)).fingerprint
    await lab.waitFor('the wildcard', async () => await shown('any.certified.example') === wildcard.fingerprint)
    await lab.waitFor('the exact name', async () => await shown('tls.example') === exact.fingerprint)
    assert.equal(await shown('exact.certified.example'), exact.fingerprint)
    assert.equal(await shown('EXACT.certified.example'), exact.fingerprint)

    const fallback = await handshake(address, 'unheard-of.example')
    assert.ok(fallback.selfSigned)
    assert.match(fallback.names, /^DNS:\S+$/)
    for (const name of ['', 'certified.example', 'two.labels.certified.example', 'paths.example']) {
      assert.equal(await shown(name), fallback.fingerprint, name)
    }
  })

  test('HTTP/2 and TLS 1.3 are offered, HTTP/1.1 stays possible', async () => {
    const { protocol, application } = await handshake(address, 'tls.example', ['h2', 'http/1.1'])
    assert.deepEqual([protocol, application], ['TLSv1.3', 'h2'])
    assert.equal((await handshake(address, 'tls.example', ['http/1.1'])).application, 'http/1.1')
  })

  test('a host with TLS sends plain HTTP to https, others do not', async () => {
    const { status, headers } = await ask({ address, host: 'tls.example', path: '/a%20b?c' })
    assert.deepEqual([status, headers.location], [308, 'https://tls.example/a%20b?c'])
    assert.equal((await ask({ address, host: 'paths.example', path: '/exact' })).status, 200)
  })
}
