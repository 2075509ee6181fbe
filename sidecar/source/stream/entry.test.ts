/** The grammar of the ConfigMaps of TCP and UDP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../../testing/property.ts'
import { parsePort, parseTarget } from './entry.ts'

const BACKEND = { namespace: 'prod', service: 'db', port: '5432' }

function flags(text: string): [accept: boolean, send: boolean] {
  const parsed = parseTarget(text, 'TCP')
  assert.ok('value' in parsed, text)
  assert.deepEqual(parsed.value.backend, BACKEND)
  return [parsed.value.acceptProxyProtocol, parsed.value.sendProxyProtocol]
}

test('PROXY protocol is accepted by the first word and sent by the second', () => {
  assert.deepEqual(flags('prod/db:5432'), [false, false])
  assert.deepEqual(flags('prod/db:5432:'), [false, false])
  assert.deepEqual(flags('prod/db:5432:PROXY'), [true, false])
  assert.deepEqual(flags('prod/db:5432:proxy:'), [true, false])
  assert.deepEqual(flags('prod/db:5432::PROXY'), [false, true])
  assert.deepEqual(flags('prod/db:5432:Proxy:proxy'), [true, true])
})

test('UDP has none: it is left out with a warning', () => {
  const parsed = parseTarget('prod/db:5432::PROXY', 'UDP')
  assert.ok('value' in parsed && parsed.warning !== undefined)
  const backend = { ...BACKEND, protocol: 'UDP' }
  assert.deepEqual(parsed.value, { backend, acceptProxyProtocol: false, sendProxyProtocol: false })
})

test('what is accepted is what the parts say, and nothing else is', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
  const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }).map(String), fc.constant('postgres'))
  fc.assert(fc.property(label, label, port, (namespace, service, number) => {
    const parsed = parseTarget(`${namespace}/${service}:${number}`, 'TCP')
    assert.ok('value' in parsed)
    assert.deepEqual(parsed.value.backend, { namespace, service, port: number })
  }))
})

test('damaged text is refused or still in the closed alphabet', () => {
  const strange = fc.string({ unit: fc.constantFrom(...'a0-/:;{}$"\'\\ \n\0.PROXYä'), maxLength: 300 })
  const damaged = fc.tuple(strange, fc.nat(20)).map(([text, at]) => `${'prod/db:5432:PROXY'.slice(0, at)}${text}`)
  fc.assert(fc.property(fc.oneof(strange, damaged), fc.constantFrom('TCP', 'UDP'), (text, protocol) => {
    const parsed = parseTarget(text, protocol)
    if ('allowed' in parsed) return
    const { namespace, service, port } = parsed.value.backend
    for (const part of [namespace, service, port]) assert.match(part, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
  }), { numRuns: 2000 })
})

test('a port is digits, without a sign or zeros before them', () => {
  assert.deepEqual(parsePort('65535'), { value: 65_535 })
  for (const text of ['', '0', '00', '080', '65536', '99999', '+80', '-1', '8 0', '80 ', '8e1', '0x50', '٨٠']) {
    assert.ok('allowed' in parsePort(text), text)
  }
})
