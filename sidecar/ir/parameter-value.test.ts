import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterText } from '../syntax/directive.ts'
import { parameterValue } from './parameter-value.ts'

test('text and variables, printed as they are read', () => {
  for (const text of ['prod', '/var/www$fastcgi_script_name', '$host/$remote_addr', 'a-b_c.d/$uri']) {
    const parsed = parameterValue(text)
    assert.ok('value' in parsed, text)
    assert.equal(parameterText(parsed.value), text)
  }
  const braced = parameterValue('${host}/x')
  assert.ok('value' in braced)
  assert.equal(parameterText(braced.value), '$host/x')
})

test('anything that could be more than a value, or that tells of us', () => {
  const refused = [
    '',
    '$backend_certificate_key', '$nope', '$', '${', '${host', '${host}x', '$host;', 'a b', 'a"b', 'a{b}', 'a\nb', "a'b", 'é', 'x'.repeat(513),
    '$document_root', '$upstream_http_x', '$1',
  ]
  for (const text of refused) assert.ok('allowed' in parameterValue(text), text)
})
