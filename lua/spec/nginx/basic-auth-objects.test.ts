/** Logins from objects to clients: annotations, Secrets that change, and `satisfy` with all that protects a route. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend } from './backends.ts'
import { ask, type Reply } from './client.ts'
import { everyVariant, until } from './harness.ts'
import { ingress, service } from './layer4.ts'
import { sidecar, type Sidecar } from './sidecar.ts'

/** Of `secret` and of `other`. */
const HASHES = ['$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW', '{SHA}0JQeaNqPOBUf+Gph/Fn3xc+fyqI='] as const

function secret(name: string, data: Readonly<Record<string, string>>): KubeObject {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  const metadata = { namespace: 'prod', name }
  return { apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(encoded) } as KubeObject
}

function manifest(objects: readonly KubeObject[]): string {
  return objects.map((it) => JSON.stringify(it)).join('\n---\n')
}

const basic = (password: string, name = 'alice'): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

const LOGIN = { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'Staff only' }

/** What cannot be understood, of each annotation. */
const CLOSED = {
  'digest': { ...LOGIN, 'auth-type': 'digest' },
  'no-type': { 'auth-secret': 'users' },
  'no-secret': { 'auth-type': 'basic' },
  'foreign': { ...LOGIN, 'auth-secret': 'other/users' },
  'bad-form': { ...LOGIN, 'auth-secret-type': 'auth-files' },
  'bad-realm': { ...LOGIN, 'auth-realm': 'Größe' },
  'bad-satisfy': { ...LOGIN, satisfy: 'either' },
}

async function status({ http }: Sidecar, host: string, headers: Record<string, string> = {}): Promise<number> {
  return (await ask(http, { host, headers })).status
}

everyVariant('basic auth from objects', ({ variant }) => {
  test('who is let in, by what there is', async (t) => {
    const web = await backend(t, 'web', (request, response) => response.end(JSON.stringify(request.headers)))
    const service401 = await backend(t, 'auth', (request, response) => {
      response.writeHead(request.headers.cookie === 'session=good' ? 200 : 401, { 'X-Saw': request.headers.authorization ?? '' }).end()
    })
    const asked = { 'auth-url': `http://127.0.0.1:${service401.port}/`, 'auth-response-headers': 'X-Saw' }
    const [here, elsewhere] = [{ 'allowlist-source-range': '127.0.0.0/8' }, { 'allowlist-source-range': '192.0.2.0/24' }]
    const any = { satisfy: 'any' }
    const page = { 'custom-http-errors': '401', 'default-backend': 'web' }
    const hosts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'open': {},
      'basic': LOGIN,
      'map': { ...LOGIN, 'auth-secret': 'prod/map', 'auth-secret-type': 'auth-map' },
      'missing': { ...LOGIN, 'auth-secret': 'nowhere' },
      'both': { ...LOGIN, ...asked },
      'any-of-three': { ...LOGIN, ...asked, ...elsewhere, ...any },
      'any-here': { ...LOGIN, ...asked, ...here, ...any },
      'any-service': { ...asked, ...any },
      'all-of-three': { ...LOGIN, ...asked, ...here },
      'page': { ...LOGIN, ...page },
      'page-after-service': { ...LOGIN, ...asked, ...page, 'auth-proxy-set-headers': 'prod/told' },
      ...CLOSED,
    }
    const it = await sidecar(t, variant, {
      'routes.yaml': manifest([
        ...service('web', [web.port]),
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'prod', name: 'told' }, data: { 'X-Token': 'for the service' } },
        ...Object.entries(hosts).map(([name, annotations]) => ingress(name, `${name}.example`, 'web', annotations)),
      ]),
      'users.yaml': manifest([secret('users', { auth: `alice:${HASHES[0]}\nhidden\n` }), secret('map', { alice: HASHES[1] })]),
    })
    const good = { cookie: 'session=good' }
    for (const [name, nothing, login, session, everything] of [
      ['open', 200, 200, 200, 200],
      ['basic', 401, 200, 401, 200],
      ['map', 401, 401, 401, 401],
      ['missing', 503, 503, 503, 503],
      ['both', 401, 401, 401, 200],
      ['any-of-three', 401, 200, 200, 200],
      ['any-here', 200, 200, 200, 200],
      ['any-service', 401, 401, 200, 200],
      ['all-of-three', 401, 401, 401, 200],
      ...Object.keys(CLOSED).map((name) => [name, 503, 503, 503, 503] as const),
    ] as const) {
      const host = `${name}.example`
      const statuses = [
        await status(it, host), await status(it, host, basic('secret')), await status(it, host, good),
        await status(it, host, { ...basic('secret'), ...good }),
      ]
      assert.deepEqual(statuses, [nothing, login, session, everything], name)
      assert.equal(await status(it, host, basic('wrong')), nothing, `${name}, wrong`)
    }
    assert.equal(await status(it, 'map.example', basic('other')), 200)
    const { text, headers } = await ask(it.http, { host: 'basic.example' })
    assert.deepEqual([text, headers['www-authenticate']], ['401 Unauthorized\n', 'Basic realm="Staff only"'])

    await t.test('a service that is asked, too, sees the login, and the backend does not', async () => {
      const reply = await ask(it.http, { host: 'both.example', headers: { ...basic('secret'), ...good } })
      const headers = headersOf(reply)
      assert.deepEqual([headers['x-saw'], headers['authorization']], [basic('secret')['authorization'], undefined])
      for (const host of ['any-of-three.example', 'any-here.example']) {
        const seen = headersOf(await ask(it.http, { host, headers: { ...basic('secret'), ...good } }))
        assert.equal(seen['authorization'], undefined, host)
      }
    })

    await t.test('a page for those who are refused sees neither the login nor what is for the service', async () => {
      for (const [host, password] of [['page', 'wrong'], ['page-after-service', 'secret']] as const) {
        const headers = headersOf(await ask(it.http, { host: `${host}.example`, headers: basic(password) }))
        assert.deepEqual([headers['x-code'], headers['authorization'], headers['x-token']], ['401', undefined, undefined], host)
      }
    })

    await t.test('a Secret that changes holds at once, without a reload', async () => {
      const { generation } = await it.plane.status()
      const finding = await it.untilFinding('InvalidSecret')
      assert.doesNotMatch(JSON.stringify(finding), /hidden|\$2y/)
      await it.write('users.yaml', manifest([secret('users', { auth: `alice:${HASHES[1]}\n` }), secret('nowhere', { auth: `alice:${HASHES[0]}\n` })]))
      await until('the new password holds', async () => (await status(it, 'basic.example', basic('other'))) === 200)
      assert.equal(await status(it, 'basic.example', basic('secret')), 401)
      await until('the missing one is there', async () => (await status(it, 'missing.example', basic('secret'))) === 200)
      await until('the deleted one closes', async () => (await status(it, 'map.example', basic('other'))) === 503)
      assert.deepEqual([await status(it, 'open.example'), (await it.plane.status()).generation], [200, generation])
    })

    await t.test('nobody is shown any of it', async () => {
      const views = ['/v1/records', '/v1/findings', '/v1/routes', `/v1/explain?url=${encodeURIComponent('http://basic.example/')}`]
      for (const path of views) assert.doesNotMatch(JSON.stringify(await it.admin(path)), /\$2y\$|\{SHA\}|hidden/, path)
    })
  })
})

function headersOf({ text }: Reply): Readonly<Record<string, string>> {
  return JSON.parse(text) as Readonly<Record<string, string>>
}
