import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRequest, routedPath } from './request.ts'

const PATHS: readonly (readonly [asked: string, routed: string | undefined])[] = [
  ['/', '/'],
  ['/web/v1', '/web/v1'],
  ['//web///v1/', '/web/v1/'],
  ['/web/./v1/.', '/web/v1/'],
  ['/web/../v1', '/v1'],
  ['/web/..', '/'],
  ['/web/v1/..', '/web/'],
  ['/..', undefined],
  ['/web%2Fv1', '/web/v1'],
  ['/web/%2e%2E/v1', '/v1'],
  ['/%2525', '/%25'],
  ['/a%3Fb', '/a?b'],
  ['/%C3%A4', '/\u00c3\u00a4'],
  ['/ä', '/\u00c3\u00a4'],
  ['/%', undefined],
  ['/%zz', undefined],
  ['/%00', undefined],
]

for (const [asked, routed] of PATHS) {
  test(`routes see ${routed ?? 'nothing'} of ${asked}`, () => assert.equal(routedPath(asked), routed))
}

test('a request is read from a URL, a method and headers; a Host header decides over the URL', () => {
  assert.deepEqual(readRequest('http://test.domain.com:8080/a%20b?x=1#y', 'GET', ['X-User: alice']), {
    scheme: 'http', host: 'test.domain.com:8080', authority: 'test.domain.com:8080', path: '/a%20b', query: 'x=1', method: 'GET', headers: [['x-user', 'alice']],
  })
  assert.deepEqual(readRequest('HTTPS://user@one.example', 'POST', ['host: other.example']), {
    scheme: 'https', host: 'other.example', authority: 'one.example', path: '/', query: '', method: 'POST', headers: [['host', 'other.example']],
  })
})

test('what cannot be read is said', () => {
  assert.match(String(readRequest('test.domain.com/web', 'GET', [])), /no URL such as/)
  assert.match(String(readRequest('http://a.example', 'get', [])), /no method such as GET/)
  assert.match(String(readRequest('http://a.example', 'GET', ['nothing'])), /no header such as/)
  assert.match(String(readRequest(`http://a.example/${'x'.repeat(9000)}`, 'GET', [])), /longer than/)
})
