/** TLS to backends, from annotations and Secrets to what backends see: certificates, names, and who is refused. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend } from './backends.ts'
import { ask } from './client.ts'
import { manifest, secretObject, siteObjects } from './cluster-objects.ts'
import { everyVariant, start, until } from './harness.ts'
import { site } from './manifests.ts'
import { authority } from './pki.ts'
import { sidecar } from './sidecar.ts'
import { tlsPeer, type KeyPair } from './tls.ts'

const ours = authority('ours')
const theirs = authority('theirs')

interface Health {
  readonly unhealthy: readonly { readonly backend: string; readonly reason: string }[]
}

interface Seen {
  readonly client: string
  readonly servername: string
  readonly protocol: string
  readonly host: string
  readonly connection: number
}

/** A backend whose certificate is for that name, and that says what it sees of its client. */
async function tlsBackend(t: TestContext, name: string): Promise<number> {
  const numbers = new WeakMap<object, number>()
  let count = 0
  const clients = { ca: [ours.cert, theirs.cert], requestCert: true, rejectUnauthorized: false }
  const options = { ...ours.sign(name), ...clients, keepAliveTimeout: 0 }
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket & { servername?: string }
    const seen: Seen = {
      client: String(socket.getPeerCertificate().subject?.CN ?? ''),
      servername: socket.servername === undefined ? '' : String(socket.servername),
      protocol: String(socket.getProtocol()),
      host: String(request.headers.host),
      connection: numbers.get(socket) ?? 0,
    }
    if (request.url === '/close') response.setHeader('connection', 'close')
    response.end(JSON.stringify(seen))
  })
  server.on('secureConnection', (socket) => numbers.set(socket, (count += 1)))
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The objects of a site whose Service is checked each second. */
function checkedSite(name: string, port: number, annotations: Readonly<Record<string, string>>): object[] {
  const check = { 'resty-ingress.io/health-check-path': '/healthz', 'resty-ingress.io/health-check-interval': '1' }
  const [service, ...others] = siteObjects({ name, port, annotations }) as [{ readonly metadata: object }, ...object[]]
  return [{ ...service, metadata: { ...service.metadata, annotations: check } }, ...others]
}

const VERIFIED = {
  'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'prod/tls', 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'backend.internal',
}

everyVariant('TLS to backends', ({ variant }) => {
  test('each route has its own: certificate, name, protocol; what cannot be verified is not asked', async (t) => {
    const port = await tlsBackend(t, 'backend.internal')
    const me = ours.sign('client-of-prod')
    const other = theirs.sign('client-of-other')
    const site = (name: string, annotations: Record<string, string>, namespace = 'prod'): object[] =>
      siteObjects({ name, port, annotations, namespace })
    const served = await sidecar(t, variant, {
      'secrets.yaml': manifest(
        secretObject('tls', { 'ca.crt': ours.cert, 'tls.crt': me.cert, 'tls.key': me.key }),
        secretObject('tls', { 'tls.crt': other.cert, 'tls.key': other.key }, 'other'),
        secretObject('wrong', { 'ca.crt': theirs.cert }),
        secretObject('broken', { 'ca.crt': 'no certificate' }),
      ),
      'sites.yaml': manifest(
        ...site('plain', { 'backend-protocol': 'https' }),
        ...site('verified', { ...VERIFIED, 'proxy-ssl-server-name': 'on', 'proxy-ssl-protocols': 'TLSv1.2' }),
        ...site('neighbour', { 'backend-protocol': 'HTTPS', 'proxy-ssl-secret': 'tls' }, 'other'),
        ...site('anonymous', { 'backend-protocol': 'HTTPS' }, 'other'),
        ...site('stranger', { ...VERIFIED, 'proxy-ssl-secret': 'wrong' }),
        ...site('misnamed', { ...VERIFIED, 'proxy-ssl-name': 'other.internal' }),
        ...site('missing', { ...VERIFIED, 'proxy-ssl-secret': 'nowhere' }),
        ...site('broken', { ...VERIFIED, 'proxy-ssl-secret': 'broken' }),
        ...site('unsure', { 'backend-protocol': 'HTTPS', 'proxy-ssl-verify': 'on' }),
        ...site('foreign', { ...VERIFIED, 'proxy-ssl-secret': 'other/tls' }),
        ...site('ciphers', { 'backend-protocol': 'HTTPS', 'proxy-ssl-ciphers': 'HIGH:!HIGH' }),
      ),
    })
    const seen = async (name: string): Promise<Seen> => {
      const { status, text } = await ask(served.http, { host: `${name}.example` })
      assert.equal(status, 200, `${name}: ${text}`)
      return JSON.parse(text) as Seen
    }
    const status = async (name: string): Promise<number> => (await ask(served.http, { host: `${name}.example` })).status

    assert.deepEqual(await seen('plain'), { client: '', servername: 'false', protocol: 'TLSv1.3', host: 'plain.example', connection: 1 })
    const { connection, ...verified } = await seen('verified')
    assert.deepEqual(verified, { client: 'client-of-prod', servername: 'backend.internal', protocol: 'TLSv1.2', host: 'verified.example' })
    // Neither connections nor sessions are shared, though they lead to the same address.
    for (let i = 0; i < 4; i += 1) {
      assert.equal((await seen('neighbour')).client, 'client-of-other')
      assert.equal((await seen('anonymous')).client, '')
      assert.equal((await seen('verified')).client, 'client-of-prod')
    }
    assert.ok(connection > 0)
    for (const name of ['stranger', 'misnamed']) assert.deepEqual([name, await status(name)], [name, 502])
    for (const name of ['missing', 'broken', 'unsure', 'foreign', 'ciphers']) assert.deepEqual([name, await status(name)], [name, 503])

    const folder = join(served.plane.folder, 'files')
    const modes = readdirSync(folder).map((file) => (statSync(join(folder, file)).mode & 0o777).toString(8))
    assert.deepEqual(modes, ['600', '600'])
    const running = (await served.plane.call('GET', '/v1/config')).text
    assert.doesNotMatch(running, /BEGIN|client-of/)
  })

  test('a new certificate of ours needs no reload; a Secret that goes closes its routes, until it is back', async (t) => {
    const port = await tlsBackend(t, 'backend.internal')
    const [first, second] = [ours.sign('first'), ours.sign('second')]
    const secret = (pair: KeyPair): string =>
      manifest(secretObject('tls', { 'ca.crt': ours.cert, 'tls.crt': pair.cert, 'tls.key': pair.key }))
    const served = await sidecar(t, variant, {
      'secrets.yaml': secret(first), 'sites.yaml': manifest(...siteObjects({ name: 'a', port, annotations: VERIFIED })),
    })
    const reply = async (): Promise<string> => {
      const { status, text } = await ask(served.http, { host: 'a.example', path: '/close' })
      return status === 200 ? (JSON.parse(text) as Seen).client : String(status)
    }
    assert.equal(await reply(), 'first')
    const { generation } = await served.plane.status()
    await served.write('secrets.yaml', secret(second))
    await until('the new one is shown', async () => (await reply()) === 'second')
    assert.equal((await served.plane.status()).generation, generation)
    await served.write('secrets.yaml', '')
    await until('the route is closed', async () => (await reply()) === '503')
    await served.write('secrets.yaml', secret(first))
    await until('it is open again', async () => (await reply()) === 'first')
    const { revision: base } = await served.plane.status()
    assert.equal((await served.plane.call('PATCH', '/v1/records', { base, set: {}, delete: ['certificate/prod/tls'] })).status, 200)
    await until('no backend is asked without it', async () => (await reply()) === '503')
  })

  test('active checks speak what the routes do: TLS with a name and our certificate, or a handshake alone', async (t) => {
    const me = ours.sign('client-of-prod')
    const asked: string[] = []
    let status = 200
    const options = { ...ours.sign('backend.internal'), ca: [ours.cert], requestCert: true, rejectUnauthorized: false }
    const web = createServer(options, ({ socket, url }, response) => {
      const { servername } = socket as TLSSocket & { readonly servername?: string }
      asked.push(`${url} ${String(servername)} ${String((socket as TLSSocket).getPeerCertificate().subject?.CN ?? '')}`)
      response.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    await once(web, 'listening')
    t.after(() => web.close())
    const { port: webPort } = web.address() as AddressInfo
    const [rpc, plain] = [await tlsPeer(t, 'rpc'), await backend(t, 'plain')]
    let handshakes = 0
    rpc.server.on('secureConnection', () => { handshakes += 1 })
    const objects = [
      secretObject('tls', { 'ca.crt': ours.cert, 'tls.crt': me.cert, 'tls.key': me.key }),
      ...checkedSite('web', webPort, { ...VERIFIED, 'proxy-ssl-server-name': 'on' }),
      ...checkedSite('bare', webPort, { 'backend-protocol': 'HTTPS' }),
      ...checkedSite('rpc', rpc.port, { 'backend-protocol': 'GRPCS' }),
      ...checkedSite('without', plain.port, { 'backend-protocol': 'GRPCS' }),
    ]
    const served = await sidecar(t, variant, { 'all.yaml': manifest(...objects) })
    const unhealthy = async (): Promise<readonly string[]> => {
      const { unhealthy: list } = JSON.parse((await served.plane.call('GET', '/v1/health')).text) as Health
      return list.map(({ backend: key, reason }) => `${key} ${reason}`).sort()
    }
    await until('all are asked', () => asked.length >= 4 && new Set(asked).size >= 2 && handshakes >= 4)
    assert.deepEqual([...new Set(asked)].sort(), ['/healthz backend.internal client-of-prod', '/healthz false '])
    await until('who has no TLS is out', async () => (await unhealthy()).join() === 'backend/prod/without/80 error')
    status = 500
    const bad = ['backend/prod/bare/80 http_500', 'backend/prod/web/80 http_500', 'backend/prod/without/80 error']
    await until('who answers badly is out', async () => (await unhealthy()).join() === bad.join())
    assert.deepEqual(served.plane.errors().filter((line) => !line.includes('SSL_do_handshake() failed')), [])
  })

  test('a file of authorities comes before its configuration, goes with it, and is there after a restart', async (t) => {
    const port = await tlsBackend(t, 'backend.internal')
    const served = await site(t, variant, { watchIngressWithoutClass: true })
    const { plane } = served
    const files = (): string[] => readdirSync(join(plane.folder, 'files'))
    const put = async (name: string, content: string): Promise<number> =>
      (await plane.call('PUT', `/v1/files/${name}.pem`, content)).status
    const apply = async (...authorities: readonly string[]): Promise<void> => {
      const objects = [secretObject('tls', { 'ca.crt': authorities.join('') }), ...siteObjects({ name: 'a', port, annotations: VERIFIED })]
      assert.deepEqual(await served.apply(objects as KubeObject[]), [])
      assert.equal((await ask(served.http, { host: 'a.example' })).status, 200)
    }
    await apply(ours.cert)
    const [named] = files()
    const digest = createHash('sha256').update(theirs.cert).digest('hex')
    assert.equal(await put(digest, ours.cert), 400)
    assert.equal(await put(createHash('sha256').update('no PEM').digest('hex'), 'no PEM'), 400)
    assert.equal(await put(`${digest}.pem/x`, theirs.cert), 400)
    assert.equal(await put(digest, theirs.cert), 200)
    assert.equal(await put(digest, theirs.cert), 200)
    assert.deepEqual(files().sort(), [named, `${digest}.pem`].sort())
    await apply(ours.cert, theirs.cert)
    const kept = files()
    assert.equal(kept.length, 1)
    assert.ok(!kept.includes(String(named)) && !kept.includes(`${digest}.pem`))
    assert.equal(await put(digest, theirs.cert), 200)

    await plane.stop('SIGKILL')
    const again = await start(variant, { folder: plane.folder })
    t.after(() => again.stop())
    assert.deepEqual(files(), kept)
    assert.equal((await ask(served.http, { host: 'a.example' })).status, 200)
  })
})
