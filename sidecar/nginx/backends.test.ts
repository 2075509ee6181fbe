/** What settings and policies say of HTTP to backends, said of other protocols. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import type { BackendProtocol } from '../policy/backend-protocol.ts'
import { locationClass } from '../policy/set/effects.ts'
import { authPoolViews, backendView, upstreamViews } from './backends.ts'
import { forwarding } from './servers.ts'
import { CURRENT_CAPABILITIES } from '../translate.ts'

const LISTENERS = { addresses: [], httpPort: 80, httpsPort: 443 }

function viewOf(protocol: BackendProtocol, policies: object = {}, more: Partial<Settings> = {}) {
  const settings = { ...DEFAULT_SETTINGS, ...more }
  const found = locationClass({ backend_protocol: { protocol }, ...policies }, settings)
  assert.ok(found !== undefined)
  const forwarded = forwarding({ settings, classes: [], listeners: LISTENERS, capabilities: CURRENT_CAPABILITIES })
  return { ...backendView(found, settings, forwarded), upstreams: upstreamViews(found, settings) }
}

test('no line of another protocol has a name of HTTP, and none stands twice', () => {
  const policies = {
    buffering: { responses: true, requests: false, size: 8192, number: 8 },
    retries: { conditions: ['error', 'http_502', 'http_503'] },
    custom_errors: { statuses: [404] },
    backend_tls: { verify: true, authority: 'a'.repeat(64), name: 'a.example', secret: 'prod/a', identity: true },
  }
  for (const protocol of ['GRPC', 'GRPCS', 'FCGI'] as const) {
    const { lines } = viewOf(protocol, policies, { hideHeaders: ['x-a', 'x-b'], allowBackendServerHeader: true })
    assert.deepEqual(lines.filter((line) => line.startsWith('proxy_')), [])
    const slots = lines.map((line) => line.split(' ').slice(0, /_(param|hide_header|pass_header) /.test(line) ? 2 : 1).join(' '))
    assert.deepEqual(slots.filter((slot, i) => slots.indexOf(slot) !== i), [])
  }
})

test('the buffer of gRPC: of the route, else its own key, else that of HTTP', () => {
  const buffer = (policies: object, more: Partial<Settings>): string | undefined =>
    viewOf('GRPC', policies, more).lines.find((line) => line.startsWith('grpc_buffer_size'))
  assert.equal(buffer({}, {}), 'grpc_buffer_size 4096;')
  assert.equal(buffer({}, { grpcBufferSize: 16_384 }), 'grpc_buffer_size 16384;')
  assert.equal(buffer({ buffering: { size: 8192 } }, { grpcBufferSize: 16_384 }), 'grpc_buffer_size 8192;')
})

test('conditions that FastCGI does not have are left out, as a whole where no other is left', () => {
  const tries = (conditions: readonly string[]): string | undefined =>
    viewOf('FCGI', { retries: { conditions } }).lines.find((line) => line.startsWith('fastcgi_next_upstream'))
  assert.equal(tries(['error', 'http_502', 'http_503']), 'fastcgi_next_upstream error http_503;')
  assert.equal(tries(['http_502', 'http_504']), 'fastcgi_next_upstream off;')
})

test('connections belong to a class, and to one protocol', () => {
  const names = (protocol: BackendProtocol): readonly string[] => viewOf(protocol).upstreams.map(({ name }) => name)
  assert.equal(names('HTTPS').length, 1)
  assert.match(names('AUTO_HTTP').join(' '), /^(c[0-9a-f]{32})_http \1_https$/)
  const all = (['HTTPS', 'AUTO_HTTP', 'GRPC', 'GRPCS', 'FCGI'] as const).flatMap(names)
  assert.equal(new Set(all).size, all.length)
  const owners = ['prod/a', 'prod/b'].map((secret) => viewOf('HTTPS', { backend_tls: { secret, identity: true } }).name)
  assert.notEqual(owners[0], owners[1])
})

test('idle connections to services of authentication are an eighth of a worker\'s, whoever asks for how many', () => {
  const kept = (hosts: number, keepalive: number): number[] => {
    const classes = Array.from({ length: hosts }, (_, i) => {
      const url = { tls: true, host: `auth${i}.example`, port: 443, target: [] }
      return locationClass({ external_auth: { url, keepalive } }, DEFAULT_SETTINGS) ?? assert.fail()
    })
    const lines = authPoolViews(classes, DEFAULT_SETTINGS).flatMap((it) => it.lines)
    return lines.flatMap((line) => (/^keepalive (\d+);$/.exec(line)?.slice(1) ?? []).map(Number))
  }
  assert.deepEqual(kept(1, 32), [32])
  assert.deepEqual(kept(1, 65_536), [2048])
  assert.deepEqual(kept(16, 65_536), Array<number>(16).fill(128))
  assert.deepEqual([...new Set(kept(2100, 65_536))], [1])
})

test('nobody finds a second class, or pool, with the name of a neighbour\'s: names have 128 bits of their hash', () => {
  const external_auth = { url: { tls: true, host: 'auth.example', port: 443, target: [] }, keepalive: 8 }
  const found = locationClass({ external_auth }, DEFAULT_SETTINGS)
  assert.match(found?.name ?? '', /^c[0-9a-f]{32}$/)
  assert.match(found?.authConnections?.name ?? '', /^auth_[0-9a-f]{32}$/)
})
