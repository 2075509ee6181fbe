/** Location classes and policies: bodies by size, redirects, and the way into a class. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backend, endpoints, host, route, withDigest } from './backends.ts'
import { ask, raw } from './client.ts'
import { everySetup, serve, type Json } from './harness.ts'

const MEGABYTE = 1024 * 1024
const LARGE = 'c00000000001'
const SMALL = 'c00000000002'

const CLASSES = {
  [LARGE]: 'client_max_body_size 3m; add_header X-Class large;',
  [SMALL]: 'client_max_body_size 10; add_header X-Class small;',
}

async function * chunks(bytes: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < bytes; sent += 65536) yield Buffer.alloc(Math.min(65536, bytes - sent))
}

everySetup('classes', (setup) => {
  test('a route of a class goes on in its location, others do not', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ path: '/large', class: LARGE }), route()]),
    })
    const large = await ask(http, { path: '/large/x?y=%20' })
    assert.deepEqual([large.text, large.headers['x-class']], ['web GET /large/x?y=%20 0', 'large'])
    const plain = await ask(http, { path: '/x' })
    assert.deepEqual([plain.text, plain.headers['x-class']], ['web GET /x 0', undefined])
    assert.deepEqual(plane.errors(), [])
  })

  test('the size of a body is bounded by the class of its route, declared or not', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    await plane.put({
      'setting/global': withDigest({ body_size: { max: MEGABYTE } }),
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([
        route({ path: '/large', class: LARGE, policies: { body_size: { max: 3 * MEGABYTE } } }),
        route({ path: '/small', class: SMALL, policies: { body_size: { max: 10 } } }),
        // A class that says nothing about bodies: the ordinary limit.
        route({ path: '/other', class: LARGE }),
        route(),
      ]),
    })
    const send = async (path: string, bytes: number, declared: boolean): Promise<number | string> => {
      const body = declared ? Buffer.alloc(bytes) : chunks(bytes)
      const reply = await ask(http, { path, method: 'POST', body })
      if (reply.status === 413) assert.equal(reply.text, '413 Content Too Large\n')
      return reply.status === 200 ? reply.text : reply.status
    }
    for (const declared of [true, false]) {
      assert.equal(await send('/x', 1000, declared), 'web POST /x 1000')
      assert.equal(await send('/large', 2 * MEGABYTE, declared), `web POST /large ${2 * MEGABYTE}`)
      assert.equal(await send('/small', 10, declared), 'web POST /small 10')
      // NGINX closes the connection while an undeclared body is still sent: the client may see only that.
      if (!declared) continue
      assert.equal(await send('/x', 2 * MEGABYTE, declared), 413)
      assert.equal(await send('/large', 3 * MEGABYTE + 1, declared), 413)
      assert.equal(await send('/small', 11, declared), 413)
      assert.equal(await send('/other', 2 * MEGABYTE, declared), 413)
    }
    const declared = plane.errors().filter((line) => !/intended to send too large body/.test(line))
    assert.deepEqual(declared, [])
  })

  test('an undeclared body that is too large never reaches the backend whole', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([
        route({ path: '/small', class: SMALL, policies: { body_size: { max: 10 } } }), route(),
      ]),
    })
    const answer = await raw(http, [
      'POST /small HTTP/1.1', 'Host: a.example', 'Transfer-Encoding: chunked', 'Connection: close', '',
      '400', 'x'.repeat(1024), '0', '', '',
    ].join('\r\n'))
    assert.match(answer, /^HTTP\/1.1 413 .*413 Content Too Large\n$/s)
    assert.equal(web.requests, 0)
  })

  test('a large body for no route, a closed route, and an expectation', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    const large = { class: LARGE, policies: { body_size: { max: 3 * MEGABYTE } } }
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([
        route({ path: '/closed', closed: 'x', ...large }), route({ path: '/x', ...large }),
      ]),
    })
    const body = Buffer.alloc(2 * MEGABYTE)
    assert.equal((await ask(http, { path: '/none', method: 'POST', body })).status, 404)
    assert.equal((await ask(http, { path: '/closed', method: 'POST', body })).status, 503)
    const expecting = await raw(http, [
      'POST /x HTTP/1.1', 'Host: a.example', `Content-Length: ${body.length}`, 'Expect: 100-continue',
      'Connection: close', '', body.toString('latin1'),
    ].join('\r\n'))
    assert.match(expecting, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 .*web POST \/x 2097152$/s)
  })

  test('a class that this configuration does not have: the record before it goes on, else 503', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    const future = host([route({ class: 'c0000000000ff' })])
    const records = { 'backend/test/web/80': endpoints(web), 'host/default/a.example': host([route()]) }
    await plane.put(records)
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http)).status, 200)
    await plane.put({ ...records, 'host/default/a.example': future, 'host/default/b.example': future })
    assert.equal((await ask(http, { host: 'b.example' })).status, 503)
    await plane.put(records)
    for (let i = 0; i < 10; i += 1) assert.equal((await ask(http)).status, 200)
    assert.deepEqual(plane.errors(), [])
  })

  test('plain HTTP is sent to https', async (t) => {
    const { plane, http } = await serve(t, setup, { classes: CLASSES })
    const web = await backend(t, 'web')
    const redirect = (code: number, port: number): Json => ({ tls_redirect: { code, port } })
    await plane.put({
      'backend/test/web/80': endpoints(web),
      'host/default/a.example': host([route({ policies: redirect(308, 443) })]),
      'host/default/b.example': host([route({ policies: redirect(301, 8443), class: LARGE })]),
    })
    const location = async (name: string, path: string): Promise<unknown> => {
      const reply = await ask(http, { host: name, path })
      return [reply.status, reply.headers['location']]
    }
    assert.deepEqual(await location('a.example', '/x%2Fy?q=%20a'), [308, 'https://a.example/x%2Fy?q=%20a'])
    const slashes = await location('a.example', '//evil.example/x')
    assert.deepEqual(slashes, [308, 'https://a.example//evil.example/x'])
    assert.deepEqual(await location('a.example:80', '/'), [308, 'https://a.example/'])
    assert.deepEqual(await location('b.example', '/x'), [301, 'https://b.example:8443/x'])
    assert.match(
      await raw(http, 'GET http://a.example?x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'),
      /\r\nLocation: https:\/\/a.example\/\?x\r\n/,
    )
    assert.equal(web.requests, 0)
    assert.deepEqual(plane.errors(), [])
  })
})
