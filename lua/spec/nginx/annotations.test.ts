/** Rewrites, redirects and limits, from annotations to clients over HTTP/1.1 and HTTP/2. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { backend, type Handler } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask } from './client.ts'
import { everyVariant, until, type Json } from './harness.ts'
import { HOST, ingress, service, site, type Site } from './manifests.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'

function annotated(annotations: Readonly<Record<string, string>>): { annotations: Record<string, string> } {
  return { annotations: Object.fromEntries(Object.entries(annotations).map(([name, text]) => [PREFIX + name, text])) }
}

async function session(t: TestContext, { plane, https }: Site): Promise<ClientHttp2Session> {
  const { revision: base } = await plane.status()
  await plane.call('PATCH', '/v1/records', { base, set: { 'certificate/default': certificate('a') }, delete: [] } as Json)
  const opened = connectHttp2(https, { rejectUnauthorized: false })
  t.after(() => opened.destroy())
  return opened
}

async function headersOf(opened: ClientHttp2Session, path: string): Promise<IncomingHttpHeaders> {
  const stream = opened.request({ ':path': path, ':authority': `${HOST}:8443` })
  const [headers] = await once(stream, 'response') as [IncomingHttpHeaders]
  stream.close()
  return headers
}

/** Says what it was asked, in a header. */
const echo: Handler = ({ url, headers }, response) => {
  const { host, 'x-forwarded-host': forwarded, 'x-forwarded-prefix': prefix } = headers
  response.setHeader('x-asked', [url, host, forwarded, prefix].join(' ')).end()
}

everyVariant('annotations', ({ variant }) => {
  test('a rewrite, and the Host of the backend, over HTTP/1.1 and HTTP/2', async (t) => {
    const served = await site(t, variant)
    const web = await backend(t, 'web', echo)
    const rewrite = { 'rewrite-target': '/$2', 'x-forwarded-prefix': '/app', 'upstream-vhost': '$service_name.$namespace', 'ssl-redirect': 'false' }
    await served.apply([...service('web', {}, web), ingress('web', annotated(rewrite), ['/app(/|$)(.*)'])])
    const plain = await ask(served.http, { host: `${HOST}:81`, path: '/app/x?y=z' })
    assert.equal(plain.headers['x-asked'], `/x?y=z web.prod ${HOST}:81 /app`)
    const opened = await session(t, served)
    for (const [path, wanted] of [['/app/x%20y?z', '/x%20y?z'], ['/app', '/'], ['/app/../app/x', '/x']] as const) {
      assert.equal((await headersOf(opened, path))['x-asked'], `${wanted} web.prod ${HOST}:8443 /app`)
    }
    assert.equal((await headersOf(opened, '/other'))[':status'], 404)
  })

  test('redirects over HTTP/2 go to https, and to the port that the client used', async (t) => {
    const served = await site(t, variant)
    const web = await backend(t, 'web', echo)
    const apply = (annotations: Readonly<Record<string, string>>, paths = ['/']): Promise<unknown> =>
      served.apply([...service('web', {}, web), ingress('web', annotated(annotations), paths)])
    await apply({ 'permanent-redirect': '/new' })
    const opened = await session(t, served)
    assert.equal((await headersOf(opened, '/x'))['location'], `https://${HOST}:8443/new`)
    await apply({ 'from-to-www-redirect': 'true' })
    const www = await ask(served.http, { host: `www.${HOST}:81`, path: '/x//y?z=%20' })
    assert.deepEqual([www.status, www.headers['location']], [308, `http://${HOST}:81/x//y?z=%20`])
    assert.equal((await ask(served.http, { host: `www.www.${HOST}`, path: '/' })).status, 404)
    await apply({ 'app-root': '/app' }, ['/app'])
    const next = await session(t, served)
    assert.deepEqual((({ ':status': status, location }) => [status, location])(await headersOf(next, '/?a')), [302, `https://${HOST}:8443/app`])
    assert.equal((await headersOf(next, '/app'))['x-asked'], `/app ${HOST}:8443 ${HOST}:8443`)
    assert.equal((await headersOf(next, '/other'))[':status'], 404)
  })

  test('each request of one HTTP/2 connection counts, and the settings say what is answered', async (t) => {
    const served = await site(t, variant)
    const waiting: (() => void)[] = []
    const web = await backend(t, 'web', (_request, response) => waiting.push(() => response.end('done')))
    const settings = { 'limit-conn-status-code': '429', 'limit-req-status-code': '420' }
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap' as const, metadata: { namespace: 'resty-ingress', name: 'resty-ingress' }, data: settings }
    const limits = annotated({ 'limit-connections': '2', 'limit-rpm': '1', 'limit-burst-multiplier': '5' })
    await served.apply([configMap, ...service('web', {}, web), ingress('web', limits)])
    const opened = await session(t, served)
    const streams = [1, 2].map(() => opened.request({ ':path': '/', ':authority': HOST }))
    await until('two wait', () => waiting.length === 2)
    assert.equal((await headersOf(opened, '/'))[':status'], 429)
    const answers = streams.map((stream) => once(stream, 'response') as Promise<[IncomingHttpHeaders]>)
    waiting.splice(0).forEach((finish) => finish())
    for (const [headers] of await Promise.all(answers)) assert.equal(headers[':status'], 200)
    // Streams that their client resets.
    for (let i = 0; i < 4; i += 1) {
      const stream = await until('there is room', async () => {
        const arrived = once(web.server, 'request').then(() => undefined)
        const one = opened.request({ ':path': '/', ':authority': HOST })
        one.on('error', () => undefined)
        const refused = once(one, 'response').then(([headers]) => (headers as IncomingHttpHeaders)[':status'])
        const status = await Promise.race([refused, arrived])
        if (Number(status) === 420) throw new Error('refused for its rate')
        return status === undefined ? one : undefined
      })
      waiting.splice(0)
      stream.close()
    }
    assert.equal((await headersOf(opened, '/'))[':status'], 420)
    assert.deepEqual(served.plane.errors().filter((line) => line.includes('lua')), [])
  })
})
