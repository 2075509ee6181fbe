/** What a backend is told of the client, and whom the proxy believes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller } from '../controller.ts'
import { askEcho, type Ask } from '../http.ts'
import { OUTSIDE_ADDRESS } from '../../lab/network.ts'
import { ingressOf } from '../workload.ts'

/** Of the test, which runs outside of the cluster. */
const CLIENT = OUTSIDE_ADDRESS
const STRANGER = '203.0.113.9'

/** What a client may claim. */
const SPOOFED = {
  'x-real-ip': STRANGER,
  'x-forwarded-for': STRANGER,
  'x-forwarded-host': 'evil.example',
  'x-forwarded-port': '1',
  'x-forwarded-proto': 'https',
  'x-forwarded-scheme': 'https',
  'x-scheme': 'https',
  'x-original-forwarded-host': 'evil.example',
  'x_forwarded_for': STRANGER,
  'proxy': 'http://evil.example/',
}

const HONEST = {
  'host': 'headers.example',
  'x-real-ip': CLIENT,
  'x-forwarded-for': CLIENT,
  'x-forwarded-host': 'headers.example',
  'x-forwarded-port': '80',
  'x-forwarded-proto': 'http',
  'x-forwarded-scheme': 'http',
  'x-scheme': 'http',
  'x_forwarded_for': undefined,
  'proxy': undefined,
}

export function testHeaders(controller: Controller): void {
  const { address, lab } = controller
  const asked = { address, host: 'headers.example' }

  async function assertHeaders(what: Ask, expected: Readonly<Record<string, string | undefined>>): Promise<void> {
    const { headers } = await askEcho(what)
    const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, headers[name]]))
    assert.deepEqual(seen, expected)
  }

  test('the backend is told who asks, as by ingress-nginx', async () => {
    await lab.apply(ingressOf('headers', { rules: [{ host: 'headers.example', service: 'one' }] }))
    await lab.waitFor('the route', async () => (await askEcho(asked).catch(() => undefined)) !== undefined)
    await assertHeaders(asked, { ...HONEST, 'x-original-forwarded-for': undefined })
    await assertHeaders({ ...asked, ca: lab.authorityCertificate, host: 'tls.example' }, {
      'x-forwarded-port': '443', 'x-forwarded-proto': 'https', 'x-scheme': 'https', 'x-forwarded-host': 'tls.example',
    })
    const { headers } = await askEcho(asked)
    assert.match(headers['x-request-id'] ?? '', /^[0-9a-f]{32}$/)
    assert.notEqual(headers['x-request-id'], (await askEcho(asked)).headers['x-request-id'])
    await assertHeaders({ ...asked, headers: { 'x-request-id': 'mine' } }, { 'x-request-id': 'mine' })
  })

  test('what a client claims is not believed, once or twice', async () => {
    await assertHeaders({ ...asked, headers: SPOOFED }, { ...HONEST, 'x-original-forwarded-for': STRANGER })
    const twice = Object.fromEntries(Object.entries(SPOOFED).map(([name, value]) => [name, [value, value]]))
    await assertHeaders({ ...asked, headers: twice }, HONEST)
    // Connection names headers for the proxy to drop.
    await assertHeaders({ ...asked, headers: { connection: 'close, X-Real-IP, X-Forwarded-For' } }, HONEST)
  })

  test('with use-forwarded-headers, what trusted addresses claim is believed', async () => {
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'resty-ingress', namespace: 'resty-ingress' } }
    const forwarded = { 'x-forwarded-for': STRANGER, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'outer.example' }
    const realIp = async (): Promise<string | undefined> => (await askEcho({ ...asked, headers: forwarded })).headers['x-real-ip']
    await lab.apply({ ...configMap, data: { 'use-forwarded-headers': 'true', 'proxy-real-ip-cidr': `${CLIENT}/32` } } as object)
    await lab.waitFor('belief', async () => await realIp() === STRANGER)
    // Workers of before may take connections until the reload is through.
    await lab.waitFor('the end of the reload', async () => !(await controller.status()).reloading)
    await assertHeaders({ ...asked, headers: forwarded }, {
      'host': 'outer.example', 'x-forwarded-for': STRANGER, 'x-forwarded-proto': 'https',
      'x-forwarded-host': 'outer.example', 'x-forwarded-port': '80',
    })
    await lab.apply({ ...configMap, data: {} } as object)
    await lab.waitFor('no belief', async () => await realIp() === CLIENT)
  })
}
