/** What goes between NGINX and backends, and what their answers say: annotations, each with a neighbour. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { backend, type Backend, type Handler } from './backends.ts'
import { ask, type Reply } from './client.ts'
import { everyVariant } from './harness.ts'
import { ingress, proxy, service, site } from './manifests.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'

/** By path: what an Ingress of that path alone says. */
const INGRESSES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/plain': {},
  '/urls': {
    'proxy-cookie-domain': '.inside.example outside.example',
    'proxy-cookie-path': '/app /web',
    'proxy-redirect-from': 'http://inside.example:8080/',
    'proxy-redirect-to': 'https://outside.example/$host/',
    'affinity': 'cookie',
    'session-cookie-name': 'own',
    'session-cookie-path': '/app',
  },
  '/moved': {
    'proxy-redirect-from': 'http://inside.example:8080/', 'proxy-redirect-to': 'https://outside.example/',
    'permanent-redirect': 'http://inside.example:8080/next',
  },
  '/unpaired': { 'proxy-redirect-from': 'http://inside.example:8080/', 'proxy-cookie-path': 'off' },
  '/old': { 'proxy-http-version': '1.0' },
  '/closing': { 'connection-proxy-header': 'close' },
  '/buffers': {
    'proxy-buffering': 'on', 'proxy-buffers-number': '2', 'proxy-busy-buffers-size': '1m', 'proxy-max-temp-file-size': '1',
    'client-body-buffer-size': '1k',
  },
  '/absolute': { 'permanent-redirect': '/new' },
  '/relative': { 'permanent-redirect': '/new', 'relative-redirects': 'true' },
  '/kept': { 'force-ssl-redirect': 'true' },
  '/dropped': { 'force-ssl-redirect': 'true', 'preserve-trailing-slash': 'false' },
  '/named': { 'force-ssl-redirect': 'true', 'use-port-in-redirects': 'true' },
}

function objects(peer: Backend): KubeObject[] {
  return Object.entries(INGRESSES).flatMap(([path, said]) => {
    const name = path.slice(1)
    const annotations = Object.fromEntries(Object.entries(said).map(([key, value]) => [`${PREFIX}${key}`, value]))
    return [...service(name, {}, peer), ingress(name, { annotations }, [path])]
  })
}

/** Says how it was asked, and names itself. */
const inside: Handler = (request, response) => {
  const { connection, upgrade } = request.headers
  response.setHeader('Set-Cookie', ['a=1; Domain=inside.example; Path=/app/x', 'b=2; Path=/other; Domain=x.example'])
  response.setHeader('Location', 'http://inside.example:8080/next')
  response.setHeader('Refresh', '5; url=http://inside.example:8080/next')
  const original = request.headers['x-original-uri']
  response.end(JSON.stringify({ version: request.httpVersion, connection, upgrade, original }))
}

const UNCHANGED = ['a=1; Domain=inside.example; Path=/app/x', 'b=2; Path=/other; Domain=x.example']

everyVariant('between NGINX and backends', ({ variant }) => {
  test('each annotation, and what has none', async (t) => {
    const web = await backend(t, 'web', inside)
    const served = await site(t, variant, { httpsRedirectPort: 443, httpsPort: 8443 })
    assert.deepEqual(await served.apply(objects(web)), [])
    const at = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
      ask(served.http, { path, headers })

    await t.test('cookies and redirects of the backend become those that clients know', async () => {
      const { headers } = await at('/urls')
      const cookies = headers['set-cookie'] as unknown as string[]
      assert.deepEqual(cookies.filter((it) => !it.startsWith('own=')), [
        'a=1; Domain=outside.example; Path=/web/x', 'b=2; Path=/other; Domain=x.example',
      ])
      assert.match(cookies.find((it) => it.startsWith('own=')) ?? '', /Path=\/app/)
      assert.equal(headers.location, 'https://outside.example/$host/next')
      assert.equal(headers.refresh, '5; url=https://outside.example/$host/next')
    })

    await t.test('elsewhere they stay', async () => {
      for (const path of ['/plain', '/unpaired', '/old']) {
        const { headers } = await at(path)
        assert.deepEqual(headers['set-cookie'], UNCHANGED)
        assert.equal(headers.location, 'http://inside.example:8080/next')
      }
      assert.equal((await at('/moved')).headers.location, 'http://inside.example:8080/next', 'an answer of ours')
    })

    await t.test('the version of HTTP and the header Connection', async () => {
      const seen = async (path: string, headers = {}): Promise<Record<string, string>> =>
        JSON.parse((await at(path, headers)).text) as Record<string, string>
      assert.deepEqual([(await seen('/plain')).version, (await seen('/old')).version], ['1.1', '1.0'])
      assert.equal((await seen('/closing')).connection, 'close')
      assert.notEqual((await seen('/plain')).connection, 'close')
    })

    await t.test('buffers that do not fit together become ones that do', async () => {
      assert.equal((await ask(served.http, { path: '/buffers', method: 'POST', body: Buffer.alloc(5000) })).status, 200)
    })

    await t.test('redirects: a path, the port, the slash at the end', async () => {
      assert.equal((await at('/relative')).headers.location, '/new')
      assert.match(String((await at('/absolute')).headers.location), /^http:\/\/a[.]example(:\d+)?\/new$/)
      assert.equal((await at('/kept/x/')).headers.location, 'https://a.example/kept/x/')
      assert.equal((await at('/dropped/x/')).headers.location, 'https://a.example/dropped/x')
      assert.equal((await at('/named/x/')).headers.location, 'https://a.example:8443/named/x/')
    })
  })

  test('settings hold where nothing else is said', async (t) => {
    const web = await backend(t, 'web', inside)
    const served = await site(t, variant)
    const data = {
      'proxy-http-version': '1.0', 'proxy-cookie-path': '/app /web', 'proxy-add-original-uri-header': 'true',
      'proxy-redirect-from': 'http://inside.example:8080', 'proxy-redirect-to': 'https://outside.example',
      'proxy-busy-buffers-size': '1', 'proxy-max-temp-file-size': '1',
    }
    const settings: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'resty-ingress', name: 'resty-ingress' }, data }
    const own = { annotations: { [`${PREFIX}proxy-cookie-path`]: 'off', [`${PREFIX}proxy-http-version`]: '1.1' } }
    const all = [...service('web', {}, web), ingress('web'), ...service('own', {}, web), ingress('own', own, ['/own'])]
    assert.deepEqual(await served.apply([settings, ...all]), [])
    const common = await ask(served.http, { path: '/x?y=%2F' })
    const other = await ask(served.http, { path: '/own' })
    assert.deepEqual(JSON.parse(common.text), { version: '1.0', original: '/x?y=%2F' })
    assert.equal((JSON.parse(other.text) as Record<string, string>).version, '1.1')
    assert.equal((common.headers['set-cookie'] as unknown as string[])[0], 'a=1; Domain=inside.example; Path=/web/x')
    assert.deepEqual(other.headers['set-cookie'], UNCHANGED)
    assert.deepEqual([common, other].map(({ headers }) => headers.location), Array(2).fill('https://outside.example/next'))
  })
})

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data }
}

everyVariant('headers from ConfigMaps', ({ variant }) => {
  test('of all answers, of all requests, of one object; what is closer decides', async (t) => {
    const web = await backend(t, 'web', (request, response) => {
      response.setHeader('X-Frame-Options', 'of the backend')
      response.setHeader('Set-Cookie', 'a=1')
      response.end(JSON.stringify(request.headers))
    })
    const served = await site(t, variant)
    const conf = 'proxy_set_header X-Using changed; more_set_headers "X-Frame-Options: DENY"; add_header X-Id more always;'
    const custom = { annotations: { [`${PREFIX}custom-headers`]: 'headers' } }
    const closed = { annotations: { [`${PREFIX}custom-headers`]: 'unlisted' } }
    const findings = await served.apply([
      configMap('edge', 'answers', { 'X-Frame-Options': String.raw`it's \ "quoted"; {}`, 'X-Id': 'of ${req_id}x', 'Set-Cookie': 'edge=1' }),
      configMap('edge', 'requests', { 'X-Using': 'true', 'X-Real-IP': 'ip $remote_addr' }),
      configMap('prod', 'headers', { 'X-Custom': 'costs $5; "quoted" \\' }),
      configMap('prod', 'unlisted', { 'X-Custom': 'a', 'X-Unlisted': 'b' }),
      configMap('resty-ingress', 'resty-ingress', {
        'add-headers': 'edge/answers', 'proxy-set-headers': 'edge/requests', 'global-allowed-response-headers': 'x-custom',
      }),
      ...service('plain', {}, web), ingress('plain'),
      ...service('conf', { annotations: { conf } }, web), ingress('conf', {}, ['/conf']),
      ...service('custom', {}, web), ingress('custom', custom, ['/custom']),
      ...service('closed', {}, web), ingress('closed', closed, ['/closed']),
      proxy('added', { path: { value: '/added' }, requestHeaders: { add: { 'X-Using': 'more' } }, backends: [{ service: 'plain', port: 80 }] }),
    ])
    assert.deepEqual(findings.map(({ reason }) => reason), ['InvalidCustomHeaders'])
    const at = (path: string): Promise<Reply> => ask(served.http, { path, headers: { 'x-using': 'client', 'x-request-id': 'id' } })

    const plain = await at('/')
    assert.equal(plain.headers['x-frame-options'], String.raw`it's \ "quoted"; {}`)
    assert.equal(plain.headers['x-id'], 'of idx')
    assert.deepEqual(plain.headers['set-cookie'], ['a=1', 'edge=1'])
    const sent = JSON.parse(plain.text) as Record<string, string>
    assert.deepEqual([sent['x-using'], sent['x-real-ip']], ['true', 'ip 127.0.0.1'])
    assert.equal(plain.headers['x-custom'], undefined)

    const changed = await at('/conf')
    assert.equal(changed.headers['x-frame-options'], 'DENY')
    assert.deepEqual(changed.headers['x-id'], ['of idx', 'more'])
    assert.equal((JSON.parse(changed.text) as Record<string, string>)['x-using'], 'changed')
    assert.equal((JSON.parse((await at('/added')).text) as Record<string, string>)['x-using'], 'true, more')

    const custom200 = await at('/custom')
    assert.equal(custom200.headers['x-custom'], 'costs $5; "quoted" \\')
    assert.equal(custom200.headers['x-frame-options'], plain.headers['x-frame-options'])

    const unavailable = await at('/closed')
    assert.deepEqual([unavailable.status, unavailable.headers['x-custom']], [503, undefined])
    assert.equal(unavailable.headers['x-frame-options'], plain.headers['x-frame-options'])
  })
})
