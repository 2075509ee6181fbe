/** From a request to its endpoint, and the ways in which a request is not proxied. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backend, endpoints, host, route } from './backends.ts'
import { ask, raw } from './client.ts'
import { everySetup, serve } from './harness.ts'

everySetup('requests', (setup) => {
  test('nothing is served before the first push, then the route is', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    assert.equal((await ask(http)).status, 503)
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    const reply = await ask(http, { path: '/hello?x=1' })
    assert.equal(reply.text, 'web GET /hello?x=1 0')
    const missing = await ask(http, { host: 'b.example' })
    assert.deepEqual([missing.status, missing.text], [404, '404 Not Found\n'])
    assert.deepEqual(plane.errors(), [])
  })

  test('host precedence: exact, wildcard of one label, any', async (t) => {
    const { plane, http } = await serve(t, setup)
    const names = ['exact', 'wildcard', 'any']
    const records = Object.fromEntries(await Promise.all(names.map(async (name) =>
      [`backend/test/${name}/80`, endpoints(await backend(t, name))] as const)))
    await plane.put({
      ...records,
      'host/default/www.a.example': host([route({ backend: 'exact' })]),
      'host/default/*.a.example': host([route({ backend: 'wildcard' })]),
      'host/default/_': host([route({ backend: 'any' })]),
    })
    const chosen = async (name: string): Promise<unknown> =>
      (await ask(http, { host: name })).text.split(' ')[0]
    assert.equal(await chosen('www.a.example'), 'exact')
    assert.equal(await chosen('WWW.a.Example.:8080'), 'exact')
    assert.equal(await chosen('x.a.example'), 'wildcard')
    assert.equal(await chosen('y.x.a.example'), 'any')
    assert.equal(await chosen('a.example'), 'any')
    assert.equal(await chosen('[2001:db8::1]:80'), 'any')
    assert.match(await raw(http, 'GET / HTTP/1.0\r\n\r\n'), /any GET/)
    assert.deepEqual(plane.errors(), [])
  })

  test('path precedence: the first route of the record that matches', async (t) => {
    const { plane, http } = await serve(t, setup)
    const names = ['exact', 'regex', 'prefix']
    const records = Object.fromEntries(await Promise.all(names.map(async (name) =>
      [`backend/test/${name}/80`, endpoints(await backend(t, name))] as const)))
    await plane.put({
      ...records,
      'host/default/a.example': host([
        route({ path: '/web/v[0-9]+|/old', pathType: 'Regex', backend: 'regex' }),
        route({ path: '/web', pathType: 'Exact', backend: 'exact' }),
        route({ path: '/web', backend: 'prefix' }),
      ]),
    })
    const chosen = async (path: string): Promise<unknown> => (await ask(http, { path })).text.split(' ')[0]
    assert.equal(await chosen('/web'), 'exact')
    assert.equal(await chosen('/web/'), 'prefix')
    assert.equal(await chosen('/web/x?/web/v1'), 'prefix')
    assert.equal(await chosen('/WEB/V12/x'), 'regex')
    assert.equal(await chosen('/old'), 'regex')
    assert.equal(await chosen('/x/../web//x/..'), 'prefix')
    assert.equal(await chosen('/%77eb'), 'exact')
    assert.equal((await ask(http, { path: '/x/old' })).status, 404)
    assert.equal((await ask(http, { path: '/webx' })).status, 404)
    assert.deepEqual(plane.errors(), [])
  })

  test('a request line that names another host than the Host header is refused', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({ 'host/default/a.example': host([route()]), 'backend/test/web/80': endpoints(web) })
    const answer = (target: string, name: string): Promise<string> =>
      raw(http, `GET ${target} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    assert.match(await answer('http://a.example/x', 'b.example'), /^HTTP\/1.1 400 .*400 Bad Request\n$/s)
    assert.match(await answer('http://b.example/x', 'a.example'), /^HTTP\/1.1 400 /)
    assert.match(await answer('http://a.example/x', 'A.example:80'), /^HTTP\/1.1 200 /)
    assert.deepEqual(plane.errors(), [])
  })

  test('503: closed, no endpoint, no backend, no weight', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'backend/test/empty/80': endpoints(),
      'host/default/a.example': host([
        route({ path: '/closed', closed: 'a protection is not understood' }),
        route({ path: '/empty', backend: 'empty' }),
        route({ path: '/missing', backend: 'missing' }),
        route({ path: '/none', backends: [] }),
        route({ path: '/zero', backends: [{ backend: 'backend/test/web/80', weight: 0 }] }),
      ]),
    })
    for (const path of ['/closed', '/empty', '/missing', '/none', '/zero']) {
      const reply = await ask(http, { path })
      assert.deepEqual([reply.status, reply.text], [503, '503 Service Unavailable\n'], path)
    }
    assert.equal(web.requests, 0)
    assert.deepEqual(plane.errors(), [])
  })

  test('a backend that comes after its route is used, and again after it went', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    const hosts = { 'host/default/a.example': host([route()]) }
    for (let round = 0; round < 3; round += 1) {
      await plane.put(hosts)
      for (let i = 0; i < 6; i += 1) assert.equal((await ask(http)).status, 503)
      await plane.put({ ...hosts, 'backend/test/web/80': endpoints(web) })
      for (let i = 0; i < 6; i += 1) assert.equal((await ask(http)).status, 200)
    }
    assert.deepEqual(plane.errors(), [])
  })

  test('a regular expression that is too expensive costs its request only', async (t) => {
    const { plane, http } = await serve(t, setup)
    const web = await backend(t, 'web')
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ path: '/(x+x+)+[yz]', pathType: 'Regex' }), route()]),
    })
    assert.equal((await ask(http, { path: `/${'x'.repeat(200)}` })).status, 500)
    assert.equal((await ask(http, { path: '/z' })).status, 200)
    assert.equal(plane.errors().length, 1)
  })

  test('variables for logs are filled in', async (t) => {
    const names = [
      'proxy_upstream_name', 'namespace', 'ingress_name', 'service_name', 'service_port', 'location_path',
    ]
    const { plane, http } = await serve(t, setup, {
      variables: names, extra: `add_header X-Seen "${names.map((name) => `$${name}`).join(' ')}" always;`,
    })
    const web = await backend(t, 'web')
    await plane.put({
      'host/default/a.example': host([route({ path: '/x' })]), 'backend/test/web/80': endpoints(web),
    })
    assert.equal((await ask(http, { path: '/x/y' })).headers['x-seen'], 'test-web-80 test demo web 80 /x')
    assert.deepEqual(plane.errors(), [])
  })
})
