/** Copies of requests: what they are, and that nothing of them reaches the client. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { annotated } from './auth-service.ts'
import { backend } from './backends.ts'
import { certificate } from './certificate.ts'
import { ask } from './client.ts'
import { everyVariant, until } from './harness.ts'
import { HOST, ingress, service, site } from './manifests.ts'

interface Copy {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Takes copies, and answers all of them with an error. */
async function recorder(t: TestContext): Promise<{ readonly port: number; readonly copies: Copy[] }> {
  const copies: Copy[] = []
  const { port } = await backend(t, 'recorder', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const { method = '', url = '', headers } = request
      copies.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(500, { 'Set-Cookie': 'copy=1' }).end('of the copy')
    })
  })
  return { port, copies }
}

everyVariant('mirror', ({ variant }) => {
  test('copies of requests', async (t) => {
    const it = await site(t, variant)
    const web = await backend(t, 'web')
    const { port, copies } = await recorder(t)
    const url = `http://127.0.0.1:${port}`
    const route = (name: string, annotations: Record<string, string>): ReturnType<typeof service> =>
      [...service(name, {}, web), ingress(name, annotated(annotations), [`/${name}`])]
    const findings = await it.apply([
      ...route('whole', { 'mirror-target': `${url}/$request_uri`, 'mirror-host': 'copy.example' }),
      ...route('joined', { 'mirror-target': `${url}$request_uri` }),
      ...route('headers-only', { 'mirror-target': `${url}/log?from=$uri`, 'mirror-request-body': 'off' }),
      ...route('lost', { 'mirror-target': 'http://127.0.0.1:1' }),
      ...route('circle', { 'mirror-target': `${it.http}/circle`, 'mirror-host': HOST }),
      ...route('plain', {}),
    ])
    assert.deepEqual(findings, [])
    const { http, plane } = it
    const { revision: base } = await plane.status()
    await plane.call('PATCH', '/v1/records', { base, set: { 'certificate/default': certificate('a') }, delete: [] })
    const next = async (path: string, options: object = {}): Promise<Copy> => {
      const before = copies.length
      const reply = await ask(http, { path, ...options })
      assert.deepEqual([reply.status, reply.headers['set-cookie']], [200, undefined])
      await until('the copy', () => copies.length > before)
      return copies.at(-1) as Copy
    }

    await t.test('path, query, method and body are those of the request, the Host that of the target', async () => {
      const copy = await next('/whole/a?b=c', { method: 'POST', body: 'hello', headers: { 'x-mine': '1' } })
      assert.deepEqual([copy.method, copy.url, copy.body], ['POST', '/whole/a?b=c', 'hello'])
      assert.deepEqual([copy.headers.host, copy.headers['x-mine']], ['copy.example', '1'])
      assert.deepEqual([copy.headers['x-real-ip'], copy.headers['x-original-uri']], ['127.0.0.1', '/whole/a?b=c'])
      assert.equal((await next('/joined/x%2Fy?b')).url, '/joined/x%2Fy?b')
      assert.equal((await next('/joined')).headers.host, `127.0.0.1:${port}`)
    })

    await t.test('without a body where that is asked for', async () => {
      const { url: target, body, headers } = await next('/headers-only', { method: 'POST', body: 'hello' })
      assert.deepEqual([target, body, headers['content-length'] ?? '0'], ['/log?from=/headers-only', '', '0'])
    })

    await t.test('over HTTP/2, too', async () => {
      const before = copies.length
      const client = connectHttp2(it.https, { rejectUnauthorized: false, servername: HOST })
      const stream = client.request({ ':path': '/whole/h2', ':authority': HOST, ':method': 'POST' }).end('two')
      const [answer] = await once(stream, 'response') as [Record<string, unknown>]
      stream.resume()
      await once(stream, 'close')
      client.close()
      assert.equal(answer[':status'], 200)
      await until('the copy', () => copies.length > before)
      assert.deepEqual([copies.at(-1)?.url, copies.at(-1)?.body], ['/whole/h2', 'two'])
    })

    await t.test('a server that is not there costs the client nothing, and others have no copies', async () => {
      assert.equal((await ask(http, { path: '/lost' })).status, 200)
      const before = copies.length
      assert.equal((await ask(http, { path: '/plain' })).status, 200)
      await next('/joined/after')
      assert.equal(copies.length, before + 1)
    })

    await t.test('a copy that comes back has no copy', async () => {
      const before = web.requests
      await ask(http, { path: '/circle' })
      await until('the copy has come', () => web.requests === before + 2)
      for (let i = 0; i < 20; i += 1) await ask(http, { path: '/plain' })
      assert.equal(web.requests, before + 22)
    })

    await t.test('what a URL must not be is a finding, and the route is served without copies', async () => {
      const refused = ['http://$host/x', 'http://localhost/', 'http://169.254.169.254/', 'http://a;b/', 'unix:/x', 'http://user@a.example/']
      const found = await it.apply(refused.flatMap((target, i) => route(`bad${i}`, { 'mirror-target': target })))
      for (const [i, target] of refused.entries()) {
        assert.ok(found.some(({ origin }) => origin.name === `bad${i}`), target)
        assert.equal((await ask(http, { path: `/bad${i}` })).status, 200, target)
      }
    })
  })
})
