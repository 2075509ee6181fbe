/** The last guard before nginx.conf, and what becomes of endpoints of another zone there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import type { Endpoint } from '../ir/types.ts'
import { CURRENT_CAPABILITIES } from '../translate.ts'
import type { NginxInput } from './input.ts'
import { renderConfig } from './render.ts'

function input(settings: Partial<Settings>, rest: Partial<NginxInput> = {}): NginxInput {
  return {
    settings: { ...DEFAULT_SETTINGS, ...settings }, classes: [], capabilities: CURRENT_CAPABILITIES,
    listeners: { addresses: [], httpPort: 80, httpsPort: 443 }, ...rest,
  }
}

test('of bare text only what needs no quotes gets there, whoever let it through', () => {
  const passes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((char) => {
    try {
      return renderConfig(input({}, { classes: [{ name: `c${char}1`, directives: [] }] })).text.includes(`@c${char}1 {`)
    } catch (error) {
      assert.match(String(error), /^TypeError: unsafe text in nginx\.conf: /)
      return false
    }
  })
  const letters = /^[A-Za-z0-9_]$/
  assert.equal(passes.filter((char) => letters.test(char)).length, 63)
  assert.equal(passes.filter((char) => !letters.test(char)).join(''), ' !$*+-./:;=@[]')
})

test('escape of the log: none goes before JSON', () => {
  const escapeOf = (settings: Partial<Settings>): string | undefined =>
    /^ +log_format upstreaminfo (escape=\w+)?/m.exec(renderConfig(input(settings)).text)?.[1]
  assert.equal(escapeOf({}), undefined)
  assert.equal(escapeOf({ logFormatEscapeJson: true }), 'escape=json')
  assert.equal(escapeOf({ logFormatEscapeJson: true, logFormatEscapeNone: true }), 'escape=none')
})

test('without stream-lua endpoints of another zone are backups, and those that drain get nothing new', () => {
  const endpoints: Endpoint[] = [
    { address: '198.18.0.1', port: 80 }, { address: '198.18.0.2', port: 80, priority: 1 },
    { address: '198.18.0.3', port: 80, draining: true },
  ]
  const port = {
    protocol: 'TCP' as const, port: 9000, endpoints, acceptProxyProtocol: false, sendProxyProtocol: false,
    backend: { namespace: 'prod', service: 'db', port: '5432' },
    origin: { kind: 'ConfigMap', apiVersion: 'v1', namespace: 'edge', name: 'tcp', field: 'data[9000]' },
  }
  const capabilities = { ...CURRENT_CAPABILITIES, stream: true, stream_lua: false }
  const { text } = renderConfig(input({}, { layer4: { ports: [port], passthrough: [] }, capabilities }))
  assert.deepEqual(text.match(/server 198\.18\..*;/g), ['server 198.18.0.1:80;', 'server 198.18.0.2:80 backup;'])
})
