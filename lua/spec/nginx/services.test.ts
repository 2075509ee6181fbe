/** Services as destinations by name, by their own address, and by their own word; with a real DNS server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { Agent } from 'undici'
import { DnsServer, type Says } from '../../../sidecar/testing/dns-server.ts'
import { ask, type Reply } from './client.ts'
import { everyVariant, freePort, until, type Setup } from './harness.ts'
import { sidecar, type Sidecar } from './sidecar.ts'

const HOST = 'api.domain.com'

interface Echo {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Says who it is, and what it was asked. As `backend` it leaves it to NGINX to end connections. */
async function echo(t: TestContext, name: string, address: string, port: number): Promise<void> {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    response.end(JSON.stringify({ name, url: request.url, headers: request.headers }))
  })
  server.listen(port, address)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
}

async function dns(t: TestContext, zone: ReadonlyMap<string, Says>): Promise<DnsServer> {
  const server = await DnsServer.start((name) => zone.get(name))
  t.after(() => server.close())
  return server
}

function flags(server: DnsServer): string[] {
  return [`--dns-server=${server.address}`, '--dns-interval=0.05']
}

const insecure = new Agent({ connect: { rejectUnauthorized: false } })

async function echoed(origin: string, path: string, host = HOST): Promise<Echo> {
  const forged = { 'x-real-ip': '192.0.2.1', 'x-forwarded-for': '192.0.2.2', 'x-forwarded-proto': 'gopher' }
  const reply = await ask(origin, { host, path, headers: forged, dispatcher: insecure })
  assert.equal(reply.status, 200, reply.text)
  return JSON.parse(reply.text) as Echo
}

async function untilName(origin: string, name: string, path = '/'): Promise<void> {
  await until(`${name} answers`, async () => {
    const reply: Reply = await ask(origin, { host: HOST, path })
    return reply.status === 200 && (JSON.parse(reply.text) as Echo).name === name
  })
}

/** The status once there is a route. */
async function untilRouted(origin: string): Promise<number> {
  return until('there is a route', async () => {
    const { status } = await ask(origin, { host: HOST })
    return status === 404 ? undefined : status
  })
}

interface Rest {
  readonly path?: string
  readonly host?: string
  readonly annotations?: string
}

function ingress(name: string, service: string, port: number, rest: Rest = {}): string {
  const { path = '/', host = HOST, annotations = '{}' } = rest
  return `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ${name}, namespace: prod, annotations: ${annotations}}
spec:
  rules:
    - host: ${host}
      http: {paths: [{path: ${path}, pathType: Prefix, backend: {service: {name: ${service}, port: {number: ${port}}}}}]}
---`
}

function external(service: string, name: string, rest = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${service}, namespace: prod}
spec: {type: ExternalName, externalName: ${name}${rest}}
---`
}

function plain(service: string, port: number, address: string, metadata = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${service}, namespace: prod${metadata}}
spec: {ports: [{port: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${service}-1, namespace: prod, labels: {kubernetes.io/service-name: ${service}}}
addressType: IPv4
ports: [{port: ${port}}]
endpoints: [{addresses: [${address}]}]
---`
}

const PAIR = { 'account-user': '127.0.0.2', 'book-server': '127.0.0.3' } as const

function pairRoutes(port: number): string {
  return ingress('user', 'account-user', port, { path: '/userInfo' }) + ingress('books', 'book-server', port, { path: '/bookList' })
}

function generationOf({ plane }: Sidecar): Promise<number> {
  return plane.status().then((status) => status.generation)
}

everyVariant('services', ({ variant }: Setup) => {
  async function assertPair({ http, https }: Sidecar): Promise<void> {
    for (const [origin, scheme] of [[http, 'http'], [https, 'https']] as const) {
      for (const [path, name] of [['/userInfo?id=7', 'account-user'], ['/bookList/1', 'book-server']] as const) {
        const { headers, ...seen } = await echoed(origin, path)
        assert.deepEqual(seen, { name, url: path })
        assert.equal(headers.host, HOST)
        assert.equal(headers['x-real-ip'], '127.0.0.1', 'what a client says of itself does not count')
        assert.equal(headers['x-forwarded-for'], '127.0.0.1')
        assert.equal(headers['x-forwarded-proto'], scheme)
      }
    }
  }

  test('the classic pair, by the names of Services', async (t) => {
    const port = await freePort()
    const zone = new Map<string, Says>()
    const names = Object.entries(PAIR).map(([name, address]) => [name, `${name}.prod.svc.cluster.local`, address] as const)
    for (const [name, full, address] of names) {
      zone.set(full, { addresses: [address] })
      await echo(t, name, address, port)
    }
    const services = names.map(([name, full]) => external(name, full)).join('')
    await assertPair(await sidecar(t, variant, { 'all.yaml': services + pairRoutes(port) }, flags(await dns(t, zone))))
  })

  test('the classic pair, by endpoints', async (t) => {
    const port = await freePort()
    for (const [name, address] of Object.entries(PAIR)) await echo(t, name, address, port)
    const services = Object.entries(PAIR).map(([name, address]) => plain(name, port, address)).join('')
    await assertPair(await sidecar(t, variant, { 'all.yaml': services + pairRoutes(port) }))
  })

  test('every address of a name is an endpoint, and none of them costs a reload', async (t) => {
    const port = await freePort()
    const zone = new Map<string, Says>([['names.example', { addresses: ['127.0.0.2', '127.0.0.3'] }]])
    for (const last of [2, 3, 4]) await echo(t, `n${last}`, `127.0.0.${last}`, port)
    const manifest = external('names', 'names.example.') + ingress('names', 'names', port)
    const it = await sidecar(t, variant, { 'all.yaml': manifest }, flags(await dns(t, zone)))
    const before = await generationOf(it)
    const seen = new Set<string>()
    for (let i = 0; i < 8; i += 1) seen.add((await echoed(it.http, '/')).name)
    assert.deepEqual([...seen].sort(), ['n2', 'n3'])

    zone.set('names.example', { addresses: ['127.0.0.4'] })
    await untilName(it.http, 'n4')
    for (let i = 0; i < 8; i += 1) assert.equal((await echoed(it.http, '/')).name, 'n4')
    assert.equal(await generationOf(it), before)
  })

  test('while DNS fails the last good answer serves, and a finding says since when', async (t) => {
    const port = await freePort()
    const zone = new Map<string, Says>([['names.example', { addresses: ['127.0.0.2'] }]])
    await echo(t, 'n2', '127.0.0.2', port)
    const manifest = external('names', 'names.example', `, ports: [{port: 80, targetPort: ${port}}]`) + ingress('names', 'names', 80)
    const it = await sidecar(t, variant, { 'all.yaml': manifest }, flags(await dns(t, zone)))
    zone.set('names.example', 'SERVFAIL')
    const { message, origin } = await it.untilFinding('NameNotResolved')
    assert.match(message, /^externalName names\.example cannot be resolved since 2\d\d\d-.*Z: the DNS server failed; /)
    assert.match(message, /the last good answer stay in use$/)
    assert.equal(`${origin.kind} ${origin.namespace}/${origin.name}`, 'Service prod/names')
    assert.equal((await echoed(it.http, '/')).name, 'n2')
    zone.set('names.example', { addresses: ['127.0.0.2'] })
    await until('the finding goes', async () => {
      const { findings } = await it.admin<{ findings: { reason: string }[] }>('/v1/findings')
      return !findings.some(({ reason }) => reason === 'NameNotResolved')
    })
  })

  test('a sidecar that is started while DNS is silent serves what it knew, and is ready', async (t) => {
    const port = await freePort()
    const zone = new Map<string, Says>([['names.example', { addresses: ['127.0.0.2'] }], ['new.example', 'silence']])
    await echo(t, 'n2', '127.0.0.2', port)
    const manifest = external('names', 'names.example') + ingress('names', 'names', port)
    const it = await sidecar(t, variant, { 'all.yaml': manifest }, flags(await dns(t, zone)))
    assert.equal((await echoed(it.http, '/')).name, 'n2')
    zone.set('names.example', 'silence')
    await it.write('all.yaml', manifest + external('new', 'new.example') + ingress('new', 'new', port, { path: '/new' }))
    await it.restart()
    assert.equal((await echoed(it.http, '/')).name, 'n2')
    assert.equal((await ask(it.http, { host: HOST, path: '/new' })).status, 503)
  })

  test('a name that leads to the metadata address is refused, later too, and its neighbours serve', async (t) => {
    const port = await freePort()
    const zone = new Map<string, Says>([
      ['evil.example', { addresses: ['169.254.169.254', '::ffff:169.254.169.254'] }],
      ['good.example', { addresses: ['127.0.0.2'] }],
    ])
    await echo(t, 'n2', '127.0.0.2', port)
    const manifest = external('evil', 'evil.example') + ingress('evil', 'evil', port, { path: '/evil' })
      + external('good', 'good.example') + ingress('good', 'good', port)
    const it = await sidecar(t, variant, { 'all.yaml': manifest }, flags(await dns(t, zone)))
    assert.match((await it.untilFinding('RefusedEndpoint')).message, /169\.254\.169\.254/)
    assert.equal((await ask(it.http, { host: HOST, path: '/evil' })).status, 503)
    assert.equal((await echoed(it.http, '/')).name, 'n2')
    zone.set('evil.example', { addresses: ['127.0.0.2'] })
    await untilName(it.http, 'n2', '/evil')
    zone.set('evil.example', { addresses: ['169.254.169.254'] })
    await until('it is refused again', async () => (await ask(it.http, { host: HOST, path: '/evil' })).status === 503)
  })

  test('a name that leads to our own listeners is refused', async (t) => {
    const zone = new Map<string, Says>([['self.example', { addresses: ['127.0.0.1'] }]])
    const it = await sidecar(t, variant, {}, flags(await dns(t, zone)))
    const port = Number(new URL(it.http).port)
    await it.write('all.yaml', external('self', 'self.example') + ingress('self', 'self', port))
    assert.match((await it.untilFinding('RefusedEndpoint')).message, /127\.0\.0\.1.* is an address of this controller itself/)
    // The finding is there before NGINX has the route.
    assert.equal(await untilRouted(it.http), 503)
  })

  test('a name that no object needs any more is not asked for any more', async (t) => {
    const zone = new Map<string, Says>([['a.example', { addresses: ['127.0.0.2'] }], ['b.example', { addresses: ['127.0.0.2'] }]])
    const port = await freePort()
    const server = await dns(t, zone)
    const it = await sidecar(t, variant, { 'all.yaml': external('a', 'a.example') + ingress('a', 'a', port) }, flags(server))
    await it.write('all.yaml', external('b', 'b.example') + ingress('b', 'b', port))
    await until('the new name is asked for', () => server.asked.includes('b.example A'))
    // A last question for the other may have been under way; one that goes on is among any ten.
    await until('only it is asked for', () => {
      const last = server.asked.slice(-10)
      return last.length === 10 && last.every((question) => question.startsWith('b.example'))
    })
  })

  test('names are not looked at: --disable-svc-external-name', async (t) => {
    const server = await dns(t, new Map([['a.example', { addresses: ['127.0.0.2'] }]]))
    const manifest = external('a', 'a.example') + ingress('a', 'a', await freePort())
    const it = await sidecar(t, variant, { 'all.yaml': manifest }, [...flags(server), '--disable-svc-external-name'])
    await it.untilFinding('ExternalNameDisabled')
    assert.equal((await ask(it.http, { host: HOST })).status, 503)
    assert.deepEqual(server.asked, [])
  })

  test('service-upstream: the address of the Service for one Ingress, the endpoints for the other', async (t) => {
    const port = await freePort()
    await echo(t, 'the service', '127.0.0.9', port)
    await echo(t, 'the endpoint', '127.0.0.2', port)
    const web = plain('web', port, '127.0.0.2').replace('spec: {ports', 'spec: {clusterIPs: [127.0.0.9], ports')
    const annotations = '{nginx.ingress.kubernetes.io/service-upstream: "true"}'
    const manifest = web + ingress('by-service', 'web', port, { annotations }) + ingress('by-endpoints', 'web', port, { host: 'b.example' })
    const it = await sidecar(t, variant, { 'all.yaml': manifest })
    const before = await generationOf(it)
    for (let i = 0; i < 4; i += 1) {
      assert.equal((await echoed(it.http, '/')).name, 'the service')
      assert.equal((await echoed(it.http, '/', 'b.example')).name, 'the endpoint')
    }
    await it.write('all.yaml', web + ingress('by-service', 'web', port))
    await untilName(it.http, 'the endpoint')
    assert.equal(await generationOf(it), before)
  })

  test('a Service exposes itself, and is listed like any route', async (t) => {
    const port = await freePort()
    await echo(t, 'account-user', '127.0.0.2', port)
    const expose = `, annotations: {resty-ingress.io/expose: "${HOST}/userInfo, *.example.org/"}`
    const it = await sidecar(t, variant, { 'all.yaml': plain('account-user', port, '127.0.0.2', expose) })
    assert.equal((await echoed(it.http, '/userInfo/7')).url, '/userInfo/7')
    assert.equal((await echoed(it.http, '/any', 'books.example.org')).name, 'account-user')
    assert.equal((await ask(it.http, { host: HOST, path: '/other' })).status, 404)
    const { routes } = await it.admin<{ routes: { host: string; path: string; object: unknown }[] }>('/v1/routes')
    assert.deepEqual(routes.map(({ host, path }) => `${host}${path}`).sort(), ['*.example.org/', `${HOST}/userInfo`])
    assert.match(JSON.stringify(routes[0]), /Service.*prod.*account-user/)
    await it.write('all.yaml', plain('account-user', port, '127.0.0.2'))
    await until('nothing is exposed', async () => (await ask(it.http, { host: HOST, path: '/userInfo' })).status === 404)
  })
})
