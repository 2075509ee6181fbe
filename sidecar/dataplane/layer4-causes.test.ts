import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../ir/settings.ts'
import type { Endpoint, Layer4 } from '../ir/types.ts'
import type { NginxInput } from '../nginx/input.ts'
import { layer4Causes } from './layer4-causes.ts'

const BACKEND = { namespace: 'prod', service: 'db', port: '5432' }
const ENDPOINT = { address: '198.18.1.4', port: 5432 }

function layer4(port: number, endpoints: readonly Endpoint[] = [ENDPOINT], acceptProxyProtocol = false): Layer4 {
  const origin = { kind: 'ConfigMap', namespace: 'ingress', name: 'tcp', field: `data[${port}]` }
  const route = { protocol: 'TCP', port, backend: BACKEND, acceptProxyProtocol, sendProxyProtocol: false, origin, endpoints } as const
  return { ports: [route], passthrough: [{ host: 'a.example', backend: BACKEND, endpoints, origin: { ...origin, field: '' } }] }
}

function causes(before: Layer4, after: Layer4, lua = false): string[] {
  const input = (it: Layer4): NginxInput => ({
    settings: DEFAULT_SETTINGS, classes: [], listeners: { addresses: [], httpPort: 80, httpsPort: 443 }, layer4: it,
    capabilities: {
      http2_directive: true, keepalive_min_timeout: true, headers_more: true, ipv6: true,
      stream: true, stream_lua: lua, stream_realip: true,
    },
  })
  return layer4Causes(input(before), input(after)).map(({ origin, message }) => `${origin?.kind} ${origin?.field}: ${message}`)
}

test('a port names the object and field that it comes from, or came from', () => {
  assert.deepEqual(causes(layer4(1), layer4(2)), [
    'ConfigMap data[1]: TCP port 1 is gone', 'ConfigMap data[2]: TCP port 2 is new',
  ])
  assert.deepEqual(causes(layer4(1), layer4(1, [ENDPOINT], true)), ['ConfigMap data[1]: TCP port 1 changed'])
  assert.deepEqual(causes(layer4(1), layer4(1)), [])
})

test('endpoints are a cause where they are part of nginx.conf', () => {
  assert.deepEqual(causes(layer4(1), layer4(1, [])), [
    'Service endpoints: TCP port 1: endpoints of Service prod/db changed',
    'Service endpoints: TLS passthrough of host a.example: endpoints of Service prod/db changed',
  ])
  assert.deepEqual(causes(layer4(1), layer4(1, []), true), [])
})
