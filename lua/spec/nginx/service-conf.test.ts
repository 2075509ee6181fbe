/** From the annotation `conf` of a Service to what backends and clients see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backend, type Handler } from './backends.ts'
import { ask, type Ask, type Reply } from './client.ts'
import { everyVariant } from './harness.ts'
import { ingress, service, site, withConf, type ConfSite } from './manifests.ts'

/** Says what it got: the headers of the request as JSON. */
const echo: Handler = (request, response) => response.end(JSON.stringify(request.headers))

async function seen(served: ConfSite, what: Ask = {}): Promise<Readonly<Record<string, string | undefined>>> {
  return JSON.parse((await served.ask(what)).text) as Record<string, string>
}

everyVariant('conf of a Service', ({ variant }) => {
  test('answers of every route to it carry the id of the request', async (t) => {
    const web = await backend(t, 'web', (request, response) => response.end(String(request.headers['x-request-id'])))
    const { http, apply } = await site(t, variant)
    const conf = 'more_set_headers "Request-Id: $req_id";\n'
    const findings = await apply([...service('web', { annotations: { conf } }, web), ingress('web', {}, ['/', '/more'])])
    assert.deepEqual(findings, [])
    for (const path of ['/', '/more/x']) {
      const answer = await ask(http, { path })
      assert.equal(answer.status, 200)
      assert.match(answer.text, /^[0-9a-f]{32}$/)
      assert.equal(answer.headers['request-id'], answer.text)
    }
    const own = await ask(http, { headers: { 'x-request-id': 'mine' } })
    assert.equal(own.headers['request-id'], 'mine')
  })

  test('a change of it holds at once, its end too, and a reload only comes with the first', async (t) => {
    const web = await backend(t, 'web')
    const { http, apply, plane } = await site(t, variant)
    const answerOf = async (annotations: Readonly<Record<string, string>>): Promise<Reply> => {
      await apply([...service('web', { annotations }, web), ingress('web')])
      return ask(http)
    }
    assert.equal((await answerOf({})).headers['x-a'], undefined)
    assert.equal((await answerOf({ conf: 'more_set_headers "X-A: 1";' })).headers['x-a'], '1')
    const { config_hash: hash } = await plane.status()
    assert.equal((await answerOf({ conf: 'add_header X-A 2;' })).headers['x-a'], '2')
    assert.equal((await answerOf({ 'conf': 'add_header X-A 2;', 'resty-ingress.io/conf': 'add_header X-A 3;' })).headers['x-a'], '3')
    assert.equal((await plane.status()).config_hash, hash)
    assert.equal((await answerOf({})).headers['x-a'], undefined)
  })

  test('an annotation of the Ingress wins, and the rest of conf stays', async (t) => {
    const body = Buffer.alloc(3000)
    const conf = 'client_max_body_size 2k; more_set_headers "X-A: 1";'
    const small = await withConf(t, variant, conf)
    assert.equal((await small.ask({ method: 'POST', body })).status, 413)
    const large = await withConf(t, variant, conf, {
      annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '4k' },
    })
    const answer = await large.ask({ method: 'POST', body })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-a'], '1')
  })

  test('limits of time and buffering', async (t) => {
    const silent = await withConf(t, variant, 'proxy_read_timeout 1; proxy_buffering on; more_set_headers "X-A: 1";', {
      answer: () => {},
    })
    const answer = await silent.ask()
    assert.equal(answer.status, 504)
    assert.equal(answer.headers['x-a'], '1')
  })

  test('return: a text, a page, a URL, nothing', async (t) => {
    const greeting = await withConf(t, variant, String.raw`return 203 "hello $host\n";`)
    const hello = await greeting.ask({ method: 'POST', body: 'ignored' })
    assert.deepEqual([hello.status, hello.text], [203, 'hello a.example\n'])
    assert.equal(hello.headers['content-length'], '16')
    assert.match(String(hello.headers['content-type']), /^text\/plain/)
    assert.equal(greeting.web.requests, 0)
    const gone = await withConf(t, variant, 'return 404; more_set_headers "X-A: 1";')
    const page = await gone.ask()
    assert.deepEqual([page.status, page.text, page.headers['x-a']], [404, '404 Not Found\n', '1'])
    const worded = await withConf(t, variant, 'return 503 "later"; add_header X-A 1; add_header X-B 1 always;')
    const later = await worded.ask()
    assert.deepEqual([later.status, later.text], [503, 'later'])
    assert.deepEqual([later.headers['x-a'], later.headers['x-b']], [undefined, '1'])
    const moved = await withConf(t, variant, 'return 301 https://$host$request_uri; add_header X-A 1;')
    const away = await moved.ask({ path: '/a%20b?c=d' })
    assert.deepEqual([away.status, away.headers['location'], away.headers['x-a']], [301, 'https://a.example/a%20b?c=d', '1'])
    const silent = await withConf(t, variant, 'return 444;')
    await assert.rejects(silent.ask(), { code: 'ECONNRESET' })
    const empty = await withConf(t, variant, 'return 204;')
    assert.deepEqual([(await empty.ask()).status, (await empty.ask()).text], [204, ''])
  })

  test('what a request says to its backend', async (t) => {
    const served = await withConf(t, variant, `
      proxy_set_header X-Client "$remote_addr:$server_port";
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Real-IP $http_x_edge;
      proxy_set_header X-Empty "";
      more_set_input_headers 'X-Tenant: prod' "X-Secret:";
      more_clear_input_headers X-Debug-* Cookie Authorization;
      proxy_set_header X-Chain $proxy_add_x_forwarded_for;
      more_clear_input_headers X-Forwarded-For;
    `, { answer: echo })
    const headers = {
      'x-real-ip': '192.0.2.1', 'x-edge': '198.51.100.7', 'x-forwarded-proto': 'http', 'x-tenant': 'forged',
      'x-secret': 's', 'x-debug-a': '1', 'X-DEBUG-B': '2', 'x-kept': 'yes', 'cookie': 'a=b', 'authorization': 'x',
      'x-forwarded-for': '192.0.2.9', 'x-empty': 'no',
    }
    const got = await seen(served, { headers })
    assert.equal(got['x-client'], `127.0.0.1:${new URL(served.http).port}`)
    assert.equal(got['x-forwarded-proto'], 'https')
    assert.equal(got['x-real-ip'], '198.51.100.7')
    assert.equal(got['x-chain'], '192.0.2.9, 127.0.0.1')
    assert.equal(got['x-tenant'], 'prod')
    assert.equal(got['x-kept'], 'yes')
    assert.equal(got['x-scheme'], 'http')
    assert.match(String(got['x-request-id']), /^[0-9a-f]{32}$/)
    for (const name of ['x-secret', 'x-debug-a', 'x-debug-b', 'cookie', 'authorization', 'x-forwarded-for', 'x-empty']) {
      assert.equal(got[name], undefined, name)
    }
    const bare = await seen(served)
    assert.equal(bare['x-real-ip'], undefined)
    assert.equal(bare['connection'], undefined)
  })

  test('the Host of the backend, while answers and logs are about the one of the client', async (t) => {
    const served = await withConf(t, variant, 'proxy_set_header Host internal.example; more_set_headers "X-Host: $host";', {
      answer: echo,
    })
    const answer = await served.ask()
    const got = JSON.parse(answer.text) as Record<string, string>
    assert.deepEqual([got['host'], got['x-forwarded-host']], ['internal.example', 'a.example'])
    assert.equal(answer.headers['x-host'], 'a.example')
  })
})
