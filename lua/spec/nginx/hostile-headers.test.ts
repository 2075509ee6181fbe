/** What a client puts into headers, captured groups and HTTP/2 frames: no header of ours is lost, and none is made. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { KubeObject } from '../../../sidecar/collection/objects.ts'
import { certificate } from './certificate.ts'
import { everyVariant, type Variant } from './harness.ts'
import { frames } from './http2-frames.ts'
import { ingress, layer4, service, type Layer4 } from './layer4.ts'
import { peer } from './peers.ts'

const TEMPLATES = { 'X-Captured': '$1', 'X-Path': 'at $uri', 'X-Argument': '${arg_x}', 'X-Agent': '${http_user_agent}' }
const EXPOSED = {
  requestHeaders: { set: TEMPLATES }, responseHeaders: { set: TEMPLATES }, backends: [{ service: 'web', port: 80 }],
}

/** Paths that copy what a client says into a path, a URL, headers and a body. */
const PROXY = {
  apiVersion: 'resty-ingress.io/v1alpha1',
  kind: 'Proxy',
  metadata: { namespace: 'prod', name: 'copying' },
  spec: {
    hosts: ['copy.example'],
    rules: [
      { path: { type: 'Regex', value: '/inner/([^x]*)' }, rewrite: { path: '/in/$1' }, ...EXPOSED },
      { path: { type: 'Regex', value: '/moved/(.*)' }, redirect: { host: 'b.example', path: '/$1' } },
      { path: { type: 'Regex', value: '/said/(.*)' }, directResponse: { status: 200, body: 'said $1' } },
      { path: { value: '/' }, rewrite: { regex: '/(.*)', substitution: '/all/$1', host: '$host' }, ...EXPOSED },
    ],
  },
} as unknown as KubeObject

interface Rig {
  readonly nginx: Layer4
  readonly seen: string[]
  send(bytes: string): Promise<string>
}

async function rig(t: TestContext, variant: Variant, ...more: readonly KubeObject[]): Promise<Rig> {
  const seen: string[] = []
  const web = await peer(t, (socket, request) => {
    seen.push(request)
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nweb')
  })
  const nginx = await layer4(t, variant, { records: { 'certificate/default': certificate('a') } })
  const guarded = ingress('guarded', 'guarded.example', 'web', { 'whitelist-source-range': '198.18.0.0/15' })
  const objects = [...service('web', [web.port]), ingress('web', 'a.example', 'web'), guarded, PROXY]
  const { findings } = await nginx.apply([...objects, ...more])
  assert.equal(findings.length, 0, JSON.stringify(findings))
  const send = async (bytes: string): Promise<string> => {
    const socket = connect(nginx.httpPort, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') }).on('error', () => socket.destroy())
    socket.write(bytes, 'latin1')
    await once(socket, 'close')
    return text
  }
  return { nginx, seen, send }
}

/** The headers of a message, by name in lower case. Throws when a line is none. */
function headersOf(message: string): ReadonlyMap<string, readonly string[]> {
  const [, ...lines] = (message.split('\r\n\r\n')[0] ?? '').split('\r\n')
  const pairs = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\r\n\0]*)$/.exec(line) ?? []
    assert.ok(name !== undefined, `no header: ${JSON.stringify(line)}`)
    return [String(name).toLowerCase(), String(value)] as const
  })
  const byName = Map.groupBy(pairs, ([name]) => name)
  return new Map([...byName].map(([name, list]) => [name, list.map(([, value]) => value)]))
}

/** Headers with "_" are passed on, and some of a route are not for clients to say. */
const UNDERSCORES = {
  apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'resty-ingress', name: 'resty-ingress' },
  data: { 'enable-underscores-in-headers': 'true' },
} as unknown as KubeObject
const TENANTS = {
  ...PROXY,
  metadata: { namespace: 'prod', name: 'tenants' },
  spec: {
    hosts: ['tenants.example'],
    rules: [{
      path: { value: '/' },
      requestHeaders: { set: { 'X-Tenant': 'prod', 'X_Own': 'ours' }, remove: ['X-Internal-*', 'X-Debug'] },
      backends: [{ service: 'web', port: 80 }],
    }],
  },
} as unknown as KubeObject

const SPOOFED = {
  'X-Forwarded-For': '6.6.6.6', 'X-Real-IP': '6.6.6.6', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '6666', 'X-Scheme': 'https', 'X-Forwarded-Scheme': 'https', 'Proxy': 'http://evil.example/',
}
const WANTED = {
  'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'http',
  'x-scheme': 'http', 'host': 'a.example',
}
const CONNECTIONS = [
  'close', 'close, X-Forwarded-For', 'close, X-Real-IP, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Host',
  'close, Host', 'close, Content-Length', 'close, , X-Real-IP', 'X-Real-IP, close', 'close\r\nConnection: X-Real-IP',
  'close, upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk', 'close\r\nKeep-Alive: x\r\nTE: trailers\r\nProxy-Connection: x',
]

/** What a client may hope to break out of a value with. */
const INJECTED = [
  '%0d%0aX-Evil:%201', '%0aX-Evil:1', '%0dX-Evil:1', '%0d%0a%0d%0aGET%20/evil%20HTTP/1.1%0d%0a', '%20HTTP/1.1%0d%0aX-Evil:%201', '%20evil',
  '%3fevil', '%23evil', '%09evil', '%e2%80%a8X-Evil:1', '%c4%8d%c4%8aX-Evil:1', '%ff%fe', '%25%30%64%25%30%61X-Evil:1', '%22%27%3b{}$', '%5c%5c',
]

everyVariant('hostile headers', ({ variant }) => {
  test('what a client says of itself, and of the connection, leaves the headers of the backend as they are', async (t) => {
    const { nginx, seen, send } = await rig(t, variant)
    const spoofed = Object.entries(SPOOFED).flatMap(([name, value]) => [`${name}: ${value}\r\n`, `${name.replaceAll('-', '_')}: ${value}\r\n`])
    for (const connection of CONNECTIONS) {
      const answer = await send(`GET / HTTP/1.1\r\nHost: a.example\r\n${spoofed.join('')}Connection: ${connection}\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 200 /, connection)
      const headers = headersOf(seen.at(-1) ?? '')
      for (const [name, value] of Object.entries(WANTED)) assert.deepEqual(headers.get(name), [value], `${connection}: ${name}`)
      // Named for what it is: what somebody before us said.
      const others = [...headers].filter(([name]) => !name.startsWith('x-original-'))
      assert.deepEqual(others.filter(([name, values]) => name.includes('_') || /evil|6\.6|6666/.test(values.join())), [])
      assert.ok((headers.get('connection') ?? ['upgrade']).every((value) => value === 'upgrade' || value === ''))
    }
    assert.deepEqual(nginx.plane.errors(), [])
  })

  test('no other spelling of a header that is ours gets to a backend', async (t) => {
    const { nginx, seen, send } = await rig(t, variant, UNDERSCORES, TENANTS)
    const others = [
      ...Object.keys(SPOOFED).filter((name) => name.includes('-')), 'ssl-client-verify', 'SSL-Client-Cert', 'X-Original-URL', 'X-Request-ID',
      'X-Code', 'Content-Length', 'Transfer-Encoding',
    ].flatMap((name) => [name.replaceAll('-', '_'), name.replace('-', '_').toUpperCase()])
    const told = async (host: string, names: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> => {
      const lines = names.map((name) => `${name}: forged\r\n`)
      const answer = await send(`GET / HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}Connection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 200 /)
      return headersOf(seen.at(-1) ?? '')
    }
    const headers = await told('a.example', [...others, 'X_User', 'X-User', 'Content-Type'])
    const forged = [...headers].filter(([, values]) => values.includes('forged')).map(([name]) => name)
    assert.deepEqual(forged.sort(), ['content-type', 'x-user', 'x_user'])
    for (const [name, value] of Object.entries(WANTED)) if (name !== 'x-forwarded-host' && name !== 'host') assert.deepEqual(headers.get(name), [value])
    const own = await told('tenants.example', ['X_Tenant', 'x_tenant', 'X-Own', 'X_Own', 'x_internal-a', 'X_Internal_B', 'X_Debug', 'X_Other'])
    assert.deepEqual([...own].filter(([, values]) => values.includes('forged')).map(([name]) => name), ['x_other'])
    assert.deepEqual([own.get('x-tenant'), own.get('x_own')], [['prod'], ['ours']])
    assert.deepEqual(nginx.plane.errors(), [])
  })

  test('captured groups and variables make no header, no request and no query', async (t) => {
    const { nginx, seen, send } = await rig(t, variant)
    for (const text of INJECTED) {
      for (const path of ['/inner/', '/moved/', '/said/', '/']) {
        seen.length = 0
        const target = `${path}${text}?x=${text}`
        const answer = await send(`GET ${target} HTTP/1.1\r\nHost: copy.example\r\nUser-Agent: ${text}\r\nConnection: close\r\n\r\n`)
        assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g)?.length, 1, target)
        assert.ok(!headersOf(answer).has('x-evil'), target)
        if (path === '/moved/' || path === '/said/') assert.equal(seen.length, 0)
        for (const request of seen) {
          assert.match(request, /^GET \/(in|all)\/[^ ?#\r\n]*\?x=[^ ]* HTTP\/1\.1\r\n/, target)
          assert.ok(!headersOf(request).has('x-evil'), target)
          assert.ok(request.endsWith('\r\n\r\n') && request.indexOf('\r\n\r\n') === request.length - 4, target)
        }
      }
    }
    assert.deepEqual(nginx.plane.errors(), [])
  })

  test('frames of HTTP/2 that would be several requests, or other ones, of HTTP/1.1', async (t) => {
    const { nginx, seen } = await rig(t, variant)
    const get = [[':method', 'GET'], [':scheme', 'https'], [':authority', 'a.example'], [':path', '/']] as const
    const without = (name: string): (readonly [string, string])[] => get.filter(([other]) => other !== name)
    const refused: readonly (readonly (readonly [string, string])[])[] = [
      [...without(':path'), [':path', '/ HTTP/1.1\r\nX-Evil: 1']],
      [...without(':path'), [':path', '']],
      [...without(':path'), [':path', 'evil']],
      [...get, [':path', '/evil']],
      [...without(':method'), [':method', 'GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\nGET']],
      [...without(':method'), [':method', '']],
      [...get, [':method', 'POST']],
      [...without(':authority'), [':authority', 'a.example\r\nX-Evil: 1']],
      [...without(':authority'), [':authority', 'a.example:80@evil.example']],
      [...without(':authority'), [':authority', 'guarded.example']],
      [...without(':scheme'), [':scheme', 'https\r\nX-Evil: 1']],
      [...get, ['x-a', 'b\r\nX-Evil: 1']],
      [...get, ['x-a', 'b\nX-Evil: 1']],
      [...get, ['x-a', 'b\0']],
      [...get, ['x-a: b\r\nx-evil', '1']],
      [...get, ['X-Evil', '1']],
      [...get, ['content-length', '5']],
      [...get, ['content-length', '+0']],
      [...get, [':evil', '1']],
      [...get, ['host', 'guarded.example']],
    ]
    for (const headers of refused) {
      await frames(nginx.httpsPort, headers)
      assert.equal(seen.length, 0, JSON.stringify([headers, seen]))
    }
    const passed: readonly (readonly [string, string])[] = [
      ['x-real-ip', '6.6.6.6'], ['x_real_ip', '6.6.6.6'], ['connection', 'x-real-ip'], ['transfer-encoding', 'chunked'], ['te', 'trailers'],
    ]
    for (const header of passed) {
      seen.length = 0
      await frames(nginx.httpsPort, [...get, header])
      for (const request of seen) {
        assert.match(request, /^GET \/ HTTP\/1\.1\r\n/)
        assert.deepEqual(headersOf(request).get('x-real-ip'), ['127.0.0.1'])
        assert.ok(!headersOf(request).has('transfer-encoding') && !headersOf(request).has('x_real_ip'), request)
      }
    }
    seen.length = 0
    await frames(nginx.httpsPort, get)
    assert.equal(seen.length, 1)
  })
})
