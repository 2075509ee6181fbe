import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationOf, destinationUrl, hostHeader } from './destination-url.ts'

function read(text: string): unknown {
  const parsed = destinationUrl(text)
  if (!('value' in parsed)) return undefined
  const { tls, host, port, target } = parsed.value
  return [tls, host, port, target.map((part) => ('text' in part ? part.text : JSON.stringify(part))).join('')]
}

test('URLs as they are written', () => {
  assert.deepEqual(read('http://a.example'), [false, 'a.example', 80, '/'])
  assert.deepEqual(read('https://A.Example.:8443/x?y=$request_uri'), [true, 'a.example', 8443, '/x?y={"var":"request_uri"}'])
  assert.deepEqual(read('http://sso.auth.svc.cluster.local:4180/oauth2/auth'), [false, 'sso.auth.svc.cluster.local', 4180, '/oauth2/auth'])
  assert.deepEqual(read('https://$host/auth'), [true, '$host', 443, '/auth'])
  assert.deepEqual(read('https://${host}?a'), [true, '$host', 443, '/?a'])
  assert.deepEqual(read('http://[2001:DB8::1]:81/'), [false, '2001:db8:0:0:0:0:0:1', 81, '/'])
  assert.deepEqual(read('http://[::ffff:198.18.0.1]/'), [false, '198.18.0.1', 80, '/'])
})

test('what is no destination', () => {
  const wrong = [
    '', 'a.example', '//a.example/', 'ftp://a.example/', 'http://', 'http:///x', 'http://user@a.example/', 'http://u:p@a.example/',
    'http://a.example:0/', 'http://a.example:65536/', 'http://a.example:x/', 'http://unix:/run/x.sock', 'http://localhost/',
    'http://x.localhost/', 'http://127.1/', 'http://0x7f000001/', 'http://2130706433/', 'http://$http_x/', 'http://$host.example/',
    'http://a.example/$cookie_a', 'http://a.example/ b', 'http://a.example/\n', 'http://a.example/"', 'http://a..example/',
    'http://[::1/', 'http://a.example\\@b.example/', 'http://a.example#@b.example/', `http://a.example/${'x'.repeat(2048)}`,
  ]
  for (const text of wrong) assert.equal(read(text), undefined, text)
})

test('a URL of a route', () => {
  const url = { host: '$host', port: 443 }
  assert.deepEqual(destinationOf(url, 'prod', 'a.example'), { namespace: 'prod', service: 'a.example', port: '443', via: 'name' })
  assert.equal(destinationOf(url, 'prod', '*.example'), undefined)
  assert.equal(destinationOf(url, 'prod', '_'), undefined)
  assert.equal(hostHeader({ tls: true, port: 443 }, 'a.example'), 'a.example')
  assert.equal(hostHeader({ tls: false, port: 443 }, 'a.example'), 'a.example:443')
  assert.equal(hostHeader({ tls: false, port: 81 }, '2001:db8:0:0:0:0:0:1'), '[2001:db8:0:0:0:0:0:1]:81')
})
