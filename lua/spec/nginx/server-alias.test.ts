/** Further names of a host, from annotations to clients: plain, over TLS, beside the hosts of others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { backend } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask } from './client.ts'
import { everyVariant, type Json } from './harness.ts'
import { HOST, ingress, service, site, type Site } from './manifests.ts'

const annotations = { 'nginx.ingress.kubernetes.io/server-alias': 'www.other-name.example, *.wild.example' }

async function commonName({ https }: Site, servername: string): Promise<string> {
  const socket = connect({ port: Number(new URL(https).port), host: '127.0.0.1', servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.destroy()
  return name
}

everyVariant('server-alias', ({ variant }) => {
  test('names lead to the host, and not to the neighbour; a claimed one stays what it is', async (t) => {
    const served = await site(t, variant)
    const web = await backend(t, 'web')
    const mine = ingress('web', { annotations }, ['/', '/b'])
    assert.deepEqual(await served.apply([...service('web', {}, web), mine]), [])
    for (const host of [HOST, 'www.other-name.example', 'WWW.Other-Name.example.:81', 'x.wild.example']) {
      assert.deepEqual([(await ask(served.http, { host, path: '/b' })).status, host], [200, host])
    }
    for (const host of ['wild.example', 'y.x.wild.example', 'other-name.example', 'xwww.other-name.example']) {
      assert.deepEqual([(await ask(served.http, { host })).status, host], [404, host])
    }
    const own = await backend(t, 'own')
    const path = { path: '/', pathType: 'Prefix', backend: { service: { name: 'own', port: { number: 80 } } } }
    const rules = [{ host: 'x.wild.example', http: { paths: [path] } }]
    const theirs = { ...ingress('own'), spec: { ingressClassName: 'resty-ingress', rules } }
    await served.apply([...service('web', {}, web), ...service('own', {}, own), mine, theirs])
    assert.match((await ask(served.http, { host: 'x.wild.example' })).text, /^own /)
    assert.match((await ask(served.http, { host: 'y.wild.example' })).text, /^web /)
  })

  test('what protects the host protects its names', async (t) => {
    const served = await site(t, variant)
    const web = await backend(t, 'web')
    const guarded = { ...annotations, 'nginx.ingress.kubernetes.io/denylist-source-range': '127.0.0.0/8' }
    await served.apply([...service('web', {}, web), ingress('web', { annotations: guarded })])
    for (const host of [HOST, 'www.other-name.example', 'x.wild.example']) {
      assert.deepEqual([(await ask(served.http, { host })).status, host], [403, host])
    }
    assert.equal(web.requests, 0)
  })

  test('without a certificate that covers it a name has the default one, and is not sent to https', async (t) => {
    const served = await site(t, variant)
    const web = await backend(t, 'web')
    await served.apply([...service('web', {}, web), ingress('web', { annotations })])
    const { revision: base } = await served.plane.status()
    const set = { 'certificate/default': certificate('a') }
    await served.plane.call('PATCH', '/v1/records', { base, set, delete: [] } as Json)
    assert.equal(await commonName(served, 'www.other-name.example'), await commonName(served, 'unknown.example'))
    assert.equal((await ask(served.http, { host: 'www.other-name.example' })).status, 200)
  })
})
