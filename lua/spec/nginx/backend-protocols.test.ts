/** Protocols to backends beside HTTP: gRPC with streams and trailers, FastCGI, TLS as the client has it, WebSockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { Agent } from 'undici'
import { backend } from './backends.ts'
import { ask } from './client.ts'
import { manifest, secretObject, siteObjects } from './cluster-objects.ts'
import { fastcgiBackend } from './fastcgi.ts'
import { grpcBackend, httpsBackend } from './grpc.ts'
import { everyVariant } from './harness.ts'
import { authority } from './pki.ts'
import { sidecar, type Sidecar } from './sidecar.ts'

const ours = authority('ours')

function session(t: TestContext, served: Sidecar): ClientHttp2Session {
  const client = connectHttp2(served.https, { rejectUnauthorized: false })
  t.after(() => client.destroy())
  return client
}

interface GrpcReply {
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One call with a message; the connection of the client is HTTP/2 over TLS. */
async function call(
  client: ClientHttp2Session, host: string, body: Buffer, more: Record<string, string> = {},
): Promise<GrpcReply> {
  const stream = client.request({
    ':method': 'POST', ':path': '/demo.Echo/Say', ':authority': host, 'content-type': 'application/grpc', te: 'trailers', ...more,
  })
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  stream.on('response', (it) => { headers = it })
  stream.on('trailers', (it) => { trailers = it })
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.end(body)
  await once(stream, 'close')
  return { headers, trailers, body: Buffer.concat(parts) }
}

everyVariant('protocols to backends', ({ variant }) => {
  test('gRPC, with and without TLS: streams both ways, trailers, headers, large messages, errors', async (t) => {
    const plain = await grpcBackend(t)
    const secure = await grpcBackend(t, ours.sign('backend.internal'))
    const grpc = { 'backend-protocol': 'grpc', 'proxy-body-size': '0' }
    const served = await sidecar(t, variant, {
      'sites.yaml': manifest(
        secretObject('tls', { 'ca.crt': ours.cert }),
        ...siteObjects({ name: 'plain', port: plain.port, annotations: { ...grpc, 'upstream-vhost': 'inside.example' } }),
        ...siteObjects({
          name: 'secure',
          port: secure.port,
          annotations: {
            'backend-protocol': 'GRPCS', 'proxy-ssl-secret': 'tls', 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'backend.internal',
            'proxy-body-size': '0', 'proxy-buffer-size': '8k', 'proxy-next-upstream': 'error timeout http_502', 'enable-cors': 'true',
          },
        }),
        ...siteObjects({ name: 'dead', port: 1, annotations: grpc }),
      ),
    })
    const client = session(t, served)
    for (const [host, seen] of [['plain.example', 'inside.example'], ['secure.example', 'secure.example']] as const) {
      const large = Buffer.alloc(3_000_000, 'x')
      const reply = await call(client, host, large, { 'x-request-id': 'mine', 'x-real-ip': '6.6.6.6', proxy: 'evil' })
      assert.equal(reply.headers[':status'], 200, host)
      assert.equal(reply.body.length, large.length)
      assert.deepEqual([reply.trailers['grpc-status'], reply.trailers['x-trailer']], ['0', 'end'])
      const backend = host === 'plain.example' ? plain : secure
      const { 'x-request-id': id, 'x-real-ip': address, 'x-forwarded-proto': scheme, host: named, proxy, te } = backend.last
      assert.deepEqual([id, address, scheme, named, proxy, te], ['mine', '127.0.0.1', 'https', seen, undefined, 'trailers'])
      assert.match(String(reply.headers['strict-transport-security']), /^max-age=/)
      assert.equal(reply.headers['x-accel-redirect'], undefined)
    }
    assert.equal((await call(client, 'dead.example', Buffer.from(''))).headers[':status'], 502)

    // Each message is answered before the next one is sent.
    const stream = client.request({
      ':method': 'POST', ':path': '/demo.Echo/Talk', ':authority': 'secure.example', 'content-type': 'application/grpc', te: 'trailers',
    })
    for (const word of ['one', 'two', 'three']) {
      stream.write(word)
      const [part] = (await once(stream, 'data')) as [Buffer]
      assert.equal(part.toString(), word)
    }
    stream.end()
    const [trailers] = (await once(stream, 'trailers')) as [IncomingHttpHeaders]
    assert.equal(trailers['grpc-status'], '0')
  })

  test('FastCGI has the parameters of a program; AUTO_HTTP the TLS of the client; WebSockets go over TLS', async (t) => {
    const program = await fastcgiBackend(t)
    const secure = await httpsBackend(t, ours.sign('backend.internal'))
    const served = await sidecar(t, variant, {
      'sites.yaml': manifest(
        ...siteObjects({
          name: 'php',
          port: program.port,
          annotations: {
            'backend-protocol': 'FCGI', 'proxy-next-upstream': 'error http_502 http_503', 'fastcgi-index': 'index.php',
            'fastcgi-params-configmap': 'params',
          },
        }),
        ...siteObjects({
          name: 'unknown',
          port: program.port,
          annotations: { 'backend-protocol': 'FCGI', 'fastcgi-params-configmap': 'nowhere' },
        }),
        {
          apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'params', namespace: 'prod' },
          data: { SCRIPT_FILENAME: '/var/www$fastcgi_script_name', APP_ENV: 'production' },
        },
        ...siteObjects({ name: 'auto', port: secure.port, annotations: { 'backend-protocol': 'AUTO_HTTP' } }),
        ...siteObjects({ name: 'socket', port: secure.port, annotations: { 'backend-protocol': 'HTTPS' } }),
      ),
    })
    const headers = { 'x-real-ip': '6.6.6.6', proxy: 'evil', 'x-mine': 'yes' }
    const php = await ask(served.http, { host: 'php.example', path: '/a/b.php?q=1', method: 'POST', body: 'hello', headers })
    assert.equal(php.status, 200)
    const seen = JSON.parse(php.text) as { params: Record<string, string>; body: string }
    const { params } = seen
    assert.equal(seen.body, 'hello')
    const expected = {
      REQUEST_METHOD: 'POST', QUERY_STRING: 'q=1', SCRIPT_NAME: '/a/b.php', REQUEST_URI: '/a/b.php?q=1', CONTENT_LENGTH: '5',
      SERVER_NAME: 'php.example', HTTP_HOST: 'php.example', HTTP_X_REAL_IP: '127.0.0.1', HTTP_X_FORWARDED_PROTO: 'http',
      HTTP_X_MINE: 'yes', REDIRECT_STATUS: '200', REMOTE_ADDR: '127.0.0.1', GATEWAY_INTERFACE: 'CGI/1.1',
      SCRIPT_FILENAME: '/var/www/a/b.php', APP_ENV: 'production',
    }
    for (const [name, value] of Object.entries(expected)) assert.deepEqual([name, params[name]], [name, value])
    assert.deepEqual([params['HTTPS'], params['HTTP_PROXY']], [undefined, undefined])

    const folder = JSON.parse((await ask(served.http, { host: 'php.example', path: '/a/' })).text) as typeof seen
    assert.equal(folder.params['SCRIPT_FILENAME'], '/var/www/a/index.php')
    assert.equal((await ask(served.http, { host: 'unknown.example' })).status, 503)

    const agent = new Agent({ connect: { rejectUnauthorized: false } })
    t.after(() => agent.close())
    const overTls = await ask(served.https, { host: 'auto.example', dispatcher: agent })
    assert.deepEqual([overTls.status, overTls.text], [200, 'encrypted'])
    // The backend there speaks TLS only, and connections with TLS are none without.
    assert.equal((await ask(served.http, { host: 'auto.example' })).status, 502)

    const echoed = await secure.talk(served.http, 'socket.example')
    assert.equal(echoed, 'hello')
  })

  test('what else a route has works over TLS: retries, pages of errors, CORS, sessions, Host, sizes', async (t) => {
    const secure = await httpsBackend(t, ours.sign('backend.internal'))
    const annotations = {
      'backend-protocol': 'HTTPS', 'custom-http-errors': '404', 'default-backend': 'pages', 'enable-cors': 'true',
      affinity: 'cookie', 'upstream-vhost': 'inside.example', 'proxy-body-size': '10', 'rewrite-target': '/new',
    }
    const pages = await backend(t, 'pages')
    const served = await sidecar(t, variant, {
      'sites.yaml': manifest(
        ...siteObjects({ name: 'all', port: secure.port, others: [1], annotations }),
        ...siteObjects({ name: 'pages', port: pages.port }),
      ),
    })
    const headers = { origin: 'https://other.example' }
    // Half of the first tries meet the endpoint that is dead.
    for (let i = 0; i < 8; i += 1) {
      const { status, text, headers: got } = await ask(served.http, { host: 'all.example', path: '/old', headers })
      assert.deepEqual([status, text], [200, 'encrypted'])
      assert.equal(got['access-control-allow-origin'], '*')
      assert.match(String(got['set-cookie']), /^INGRESSCOOKIE=/)
    }
    assert.deepEqual([secure.last.host, secure.last.url], ['inside.example', '/new'])
    const missing = await ask(served.http, { host: 'all.example', headers: { 'x-answer': '404' } })
    assert.match(missing.text, /^pages GET/)
    assert.equal((await ask(served.http, { host: 'all.example', method: 'POST', body: 'x'.repeat(11) })).status, 413)
  })
})
