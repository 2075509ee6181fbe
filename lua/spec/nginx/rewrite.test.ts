/** The path that a backend sees. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../../sidecar/ir/settings.ts'
import { pathTemplate } from '../../../sidecar/ir/template.ts'
import type { Json as Value } from '../../../sidecar/ir/types.ts'
import { rewrite } from '../../../sidecar/policy/rewrite.ts'
import { backend, endpoints, host, route } from './backends.ts'
import { ask, raw } from './client.ts'
import { everyVariant, serve, type Json, type Served } from './harness.ts'

/** A template, as annotations are read. */
function text(target: string): Value {
  const parsed = pathTemplate(target)
  assert.ok('value' in parsed, target)
  return parsed.value as unknown as Value
}

interface Case {
  readonly path: string
  readonly pathType?: string
  readonly rewrite: Json
  /** What a client asks for, and what the backend sees; a number: the status instead. */
  readonly seen: Readonly<Record<string, string | number>>
}

const target = (to: string): Json => ({ path: text(to) })

const CASES: readonly Case[] = [
  {
    path: '/something(/|$)(.*)',
    rewrite: target('/$2'),
    seen: {
      '/something': '/',
      '/something/': '/',
      '/something/new': '/new',
      '/SomeThing/new': '/new',
      '/something/new?a=b&c=%2F': '/new?a=b&c=%2F',
      '/something/?': '/',
      '/something/a%20b': '/a%20b',
      '/something/a%2Fb': '/a/b',
      '/something/100%25': '/100%25',
      '/something/a%3Fb%23c': '/a%3Fb%23c',
      // A dot is anything but a line break.
      '/something/%0DX:y%0A': '/%0DX:y',
      '/something/%C3%A4': '/%C3%A4',
      '/something/error_400': '/error_400',
      '/something//error_400': '/error_400',
      '/something/%2Ferror_400': '/error_400',
      '/elsewhere': 404,
    },
  },
  { path: '/api(.*)', rewrite: target('/v1/$1'), seen: { '/api/x': '/v1/x', '/api../x': 400, '/api./x': 400, '/apix/..y': '/v1/x/..y' } },
  { path: '/(.*)', rewrite: target('$1'), seen: { '/': '/', '/a': '/a' } },
  { path: '/(.*)', rewrite: target('//$1'), seen: { '/error_400': '/error_400' } },
  { path: '/old', rewrite: target('/new'), seen: { '/old': '/new', '/old/below': '/new' } },
  {
    path: '/web',
    pathType: 'Prefix',
    rewrite: { prefix: '/app/v2' },
    seen: { '/web': '/app/v2', '/web/': '/app/v2/', '/web/a/b?c': '/app/v2/a/b?c', '/web/a%20b': '/app/v2/a%20b' },
  },
  { path: '/web/', pathType: 'Prefix', rewrite: { prefix: '/' }, seen: { '/web': '/', '/web/': '/', '/web/a': '/a' } },
  { path: '/', pathType: 'Prefix', rewrite: { prefix: '/app/' }, seen: { '/': '/app/', '/a': '/app/a' } },
  { path: '/web', pathType: 'Exact', rewrite: { prefix: '/app' }, seen: { '/web': '/app' } },
  {
    path: '/',
    pathType: 'Prefix',
    rewrite: { regex: '^/users/([0-9]+)/', substitution: text('/u$1/') },
    seen: { '/users/12/x': '/u12/x', '/other': '/other', '/users/1/users/2/': '/u1/users/2/' },
  },
]

async function serves(served: Served, routes: readonly Json[], peers: Json): Promise<void> {
  await served.plane.put({ 'host/default/a.example': host(routes), 'backend/test/web/80': peers })
}

everyVariant('rewrite', (setup) => {
  test('what the backend sees', async (t) => {
    const served = await serve(t, setup, { classes: { c00000000001: '' } })
    const web = await backend(t, 'web', (request, response) => response.end(request.url))
    for (const { path, pathType = 'Regex', rewrite: policy, seen } of CASES) {
      for (const options of [{}, { class: 'c00000000001' }, { load: 'least_request' }]) {
        const { load, ...rest } = options as { load?: string; class?: string }
        const policies = { rewrite: policy, ...(load === undefined ? {} : { load_balance: { algorithm: load } }) }
        await serves(served, [route({ path, pathType, policies, ...rest })], endpoints(web))
        for (const [asked, wanted] of Object.entries(seen)) {
          const { status, text: got } = await ask(served.http, { path: asked })
          assert.equal(status === 200 ? got : status, wanted, `${path} ${asked} ${JSON.stringify(options)}`)
        }
      }
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('rewrite-target as an Ingress has it, beside a route that it leaves alone', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web', (request, response) => response.end(request.url))
    const context = {
      settings: DEFAULT_SETTINGS, httpsPort: 443, ownHttpsPort: 443, tls: false, pathType: 'Regex' as const, host: 'a.example',
      fallback: false, namespace: 'test',
    }
    const path = '/web(/|$)(.*)'
    const effect = rewrite.runtime.effect({ target: text('/$2') }, { ...context, path }) as Json
    const routes = [route({ path, pathType: 'Regex', policies: { rewrite: effect } }), route({})]
    await serves(served, routes, endpoints(web))
    assert.equal((await ask(served.http, { path: '/web/v1?x=y' })).text, '/v1?x=y')
    assert.equal((await ask(served.http, { path: '/other%2Fthing' })).text, '/other%2Fthing')
  })

  test('X-Forwarded-Prefix holds what a group matched, and no line of its own', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web', (request, response) => {
      response.end(`${request.headers['x-forwarded-prefix']} ${request.headers['x-evil']}`)
    })
    const policies = { rewrite: { path: text('/$2'), forwarded_prefix: text('/$1') } }
    await serves(served, [route({ path: '/([^/]*)/(.*)', pathType: 'Regex', policies })], endpoints(web))
    assert.equal((await ask(served.http, { path: '/app/x' })).text, '/app undefined')
    assert.equal((await ask(served.http, { path: '/app%0D%0AX-Evil:1/x' })).text, '/app%0D%0AX-Evil:1 undefined')
  })

  test('a hash by $uri goes by the path that the client asked for', async (t) => {
    const served = await serve(t, setup)
    const peers = await Promise.all(['one', 'two', 'three', 'four'].map((name) => backend(t, name)))
    const keys = [[{ var: 'uri' }], [{ capture: 2 }], [{ var: 'request_uri' }], [{ var: 'uri' }, { text: '-' }]]
    for (const key of keys) {
      const balancing = { load_balance: { algorithm: 'ring_hash', key } }
      const policies = { ...balancing, rewrite: { path: text('/same') } }
      const names = async (policy: Json): Promise<unknown[]> => {
        await serves(served, [route({ path: '/([a-z]*)/(.*)', pathType: 'Regex', policies: policy })], endpoints(...peers))
        // One after another: of many at a time some go elsewhere.
        const list = []
        for (const letter of 'abcdefghijkl') list.push((await ask(served.http, { path: `/x/${letter}` })).text.split(' ')[0])
        return list
      }
      const plain = await names(balancing)
      assert.ok(new Set(plain).size > 1)
      assert.deepEqual(await names(policies), plain)
    }
  })

  test('a failure of an endpoint is counted for the route that the client asked for', async (t) => {
    const served = await serve(t, { ...setup, workers: 1 })
    const port = (await backend(t, 'gone')).port
    const gone = await backend(t, 'bad', (request) => request.socket.destroy())
    assert.notEqual(port, gone.port)
    const policies = { rewrite: { path: text('/elsewhere') } }
    const routes = [route({ path: '/elsewhere', pathType: 'Exact', backend: 'other' }), route({ path: '/(.*)', pathType: 'Regex', policies })]
    const web = await backend(t, 'web')
    await served.plane.put({
      'setting/global': { digest: 'x', ejection: { failures: 3, time: 60, max_time: 60, max_percent: 100, server_errors: false } },
      'host/default/a.example': host(routes),
      'backend/test/web/80': endpoints(gone, web),
      'backend/test/other/80': endpoints(gone),
    })
    for (let i = 0; i < 20; i += 1) await ask(served.http, { path: '/x', method: 'POST', body: 'x' })
    const health = JSON.parse((await served.plane.call('GET', '/v1/health')).text) as { ejected: { backend: string }[] }
    assert.deepEqual(health.ejected.map((it) => it.backend), ['backend/test/web/80'])
  })

  test('an absolute request target, and HTTP/1.0', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web', (request, response) => response.end(request.url))
    const policies = { rewrite: { path: text('/$1') } }
    await serves(served, [route({ path: '/x/(.*)', pathType: 'Regex', policies })], endpoints(web))
    const head = 'Host: a.example\r\nConnection: close\r\n\r\n'
    assert.match(await raw(served.http, `GET http://a.example/x/y?z HTTP/1.1\r\n${head}`), /\/y\?z/)
    assert.match(await raw(served.http, `GET /x/../x//y HTTP/1.0\r\n${head}`), /\r\n\/y$/)
  })

  test('the Host that the backend sees, beside what the client asked for', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web', (request, response) => response.end(`${request.headers.host} ${request.url}`))
    const cases: readonly (readonly [Value, string])[] = [
      [[{ text: 'internal.example:8080' }], 'internal.example:8080'],
      [[{ text: 'web.' }, { var: 'host' }], 'web.a.example'],
      [[{ var: 'http_host' }], 'A.example:81'],
    ]
    for (const [template, wanted] of cases) {
      await serves(served, [route({ policies: { rewrite: { host: template, prefix: '/x' } } }), route({ path: '/b' })], endpoints(web))
      assert.equal((await ask(served.http, { host: 'A.example:81', path: '/y' })).text, `${wanted} /x/y`)
    }
    await serves(served, [route({})], endpoints(web))
    assert.equal((await ask(served.http, { host: 'A.example:81', path: '/y' })).text, 'A.example:81 /y')
  })
})
