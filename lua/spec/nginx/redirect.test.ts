/** Where clients are sent to, and where they never are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask, raw } from './client.ts'
import { everyVariant, serve, type Json, type Served } from './harness.ts'

const HOST = 'a.example'

interface Case {
  readonly policy: Json
  readonly path?: string
  readonly pathType?: string
  /** Request target -> Location. */
  readonly sent: Readonly<Record<string, string>>
}

const text = (words: string): Json[] => [{ text: words }]

const CASES: readonly Case[] = [
  { policy: { code: 301, location: text('https://other.example/new?a=b') }, sent: { '/': 'https://other.example/new?a=b', '/x?y': 'https://other.example/new?a=b' } },
  { policy: { code: 308, location: text('/new') }, sent: { '/x?y': `http://${HOST}:81/new` } },
  { policy: { code: 302, scheme: 'https' }, sent: { '/x%2Fy?z=%20': `https://${HOST}/x%2Fy?z=%20`, '//evil.example/': `https://${HOST}//evil.example/` } },
  { policy: { code: 302, scheme: 'http' }, sent: { '/': `http://${HOST}/` } },
  { policy: { code: 302, host: 'new.example' }, sent: { '/x': 'http://new.example:81/x' } },
  { policy: { code: 302, scheme: 'https', host: 'new.example', port: 8443 }, sent: { '/x': 'https://new.example:8443/x' } },
  { policy: { code: 302, port: 80 }, sent: { '/x': `http://${HOST}/x` } },
  { policy: { code: 307, path: text('/new') }, sent: { '/x?y=z': `http://${HOST}:81/new?y=z` } },
  {
    policy: { code: 302, path: [{ text: '/new/' }, { capture: 1 }] }, path: '/old/(.*)', pathType: 'Regex',
    sent: { '/old/x%20y?q': `http://${HOST}:81/new/x%20y?q`, '/old/%0D%0Ax:y': `http://${HOST}:81/new/%0D`, '/old/%3Fq': `http://${HOST}:81/new/%3Fq` },
  },
  {
    policy: { code: 302, path: [{ capture: 1 }] }, path: '/old(.*)', pathType: 'Regex',
    sent: { '/old.evil.example/': `http://${HOST}:81/.evil.example/`, '/old//evil.example': `http://${HOST}:81/evil.example` },
  },
  {
    policy: { code: 302, location: [{ text: '/' }, { capture: 1 }], relative: true }, path: '/old(.*)', pathType: 'Regex',
    sent: { '/oldx': '/x', '/old/evil.example/': `http://${HOST}:81//evil.example/` },
  },
  {
    policy: { code: 302, prefix: '/new' }, path: '/old',
    sent: { '/old': `http://${HOST}:81/new`, '/old/x?y': `http://${HOST}:81/new/x?y`, '/old/%0D%0Ax': `http://${HOST}:81/new/%0D%0Ax` },
  },
  {
    policy: { code: 302, location: [{ text: 'https://x.example' }, { var: 'request_uri' }] },
    sent: { '/a%20b?c=%0d%0a': 'https://x.example/a%20b?c=%0d%0a' },
  },
  {
    policy: { code: 302, location: [{ text: 'https://x.example' }, { var: 'uri' }] },
    sent: { '/a%0D%0AX-Evil:%20y': 'https://x.example/a%0D%0AX-Evil:%20y' },
  },
]

async function serves(served: Served, policies: Json, rest: Json = {}): Promise<void> {
  await served.plane.put({ 'host/default/a.example': host([route({ policies, ...rest })]) })
}

everyVariant('redirect', (setup) => {
  test('to a URL, and to one of which parts are replaced', async (t) => {
    const served = await serve(t, setup, { classes: { c00000000001: '' } })
    for (const { policy, path = '/', pathType = 'Prefix', sent } of CASES) {
      for (const rest of [{ backends: [] }, { class: 'c00000000001' }]) {
        await serves(served, { redirect: policy }, { path, pathType, ...rest })
        for (const [asked, wanted] of Object.entries(sent)) {
          const { status, headers } = await ask(served.http, { host: `${HOST}:81`, path: asked })
          assert.deepEqual([status, headers['location'], headers['x-evil']], [policy['code'], wanted, undefined], `${JSON.stringify(policy)} ${asked}`)
        }
      }
    }
    assert.deepEqual(served.plane.errors(), [])
  })

  test('comes before the redirect to https, and a closed route redirects nobody', async (t) => {
    const served = await serve(t, setup)
    const policies = { redirect: { code: 301, location: text('http://x.example/') }, tls_redirect: { code: 308, port: 443 } }
    await serves(served, policies)
    assert.equal((await ask(served.http)).headers['location'], 'http://x.example/')
    await serves(served, policies, { closed: 'a protection' })
    assert.equal((await ask(served.http)).status, 503)
  })

  test('app_root sends away who asks for "/", and nobody else', async (t) => {
    const served = await serve(t, setup)
    const web = await backend(t, 'web')
    const routes = [route({ path: '/(.*)', pathType: 'Regex', policies: { app_root: { path: '/app' }, tls_redirect: { code: 308, port: 443 } } })]
    await served.plane.put({ 'host/default/a.example': host(routes), 'backend/test/web/80': endpoints(web) })
    for (const path of ['/', '/?a=b', '//', '/x/..']) {
      const { status, headers } = await ask(served.http, { host: `${HOST}:8081`, path })
      assert.deepEqual([status, headers['location']], [302, `http://${HOST}:8081/app`], path)
    }
    assert.equal((await ask(served.http, { path: '/x' })).headers['location'], `https://${HOST}/x`)
  })

  test('HTTP/1.0 without a Host, and an absolute request target', async (t) => {
    const served = await serve(t, setup)
    const routes = host([route({ policies: { redirect: { code: 302, scheme: 'https' } }, backends: [] })])
    await served.plane.put({ 'host/default/_': routes })
    assert.match(await raw(served.http, 'GET /x HTTP/1.0\r\n\r\n'), /^location: https:\/\/127\.0\.0\.1\/x\r$/im)
    const absolute = 'GET http://b.example:9/x?y HTTP/1.1\r\nHost: b.example:9\r\nConnection: close\r\n\r\n'
    assert.match(await raw(served.http, absolute), /^location: https:\/\/b.example\/x\?y\r$/im)
  })
})
